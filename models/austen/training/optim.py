"""Training: Muon for the matrices of the blocks, AdamW for the rest, one loop for teachers and student."""

import time

import torch
import torch.nn.functional as F


@torch.compile(dynamic=False)
def orthogonalise(g):
    """The nearest matrix with singular values near 1, by five Newton-Schulz steps."""
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal; matrices of one shape go through the steps as one batch."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        shapes = {}
        for p in params:
            shapes.setdefault(p.shape, []).append(p)
        super().__init__(
            [{"params": ps} for ps in shapes.values()],
            dict(lr=lr, momentum=momentum, weight_decay=weight_decay),
        )

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            params = group["params"]
            g = torch.stack([p.grad for p in params])
            state = self.state[params[0]]
            m = state.setdefault("momentum", torch.zeros_like(g))
            m.lerp_(g, 1 - group["momentum"])
            update = orthogonalise(g.lerp(m, group["momentum"])).to(g.dtype)
            rows, cols = g.shape[-2:]
            scale = max(1.0, rows / cols) ** 0.5
            torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(params, list(update), alpha=-group["lr"] * scale)


@torch.compile(dynamic=False)
def loss_of(hidden, weight, targets, teacher, share):
    """Cross-entropy with the text, and by share with the teacher's distribution where there is one."""
    logp = F.linear(hidden, weight).float().log_softmax(-1)
    loss = -logp.gather(-1, targets[..., None]).mean()
    if teacher is not None:
        loss = (1 - share) * loss - share * (teacher * logp).sum(-1).mean()
    return loss


def train(model, source, steps, lr, embed_lr, weight_decay, share=1.0, report=None, every=0):
    """Trains in place: linear warm-up over 5 % of the steps, then linear decay to zero."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    # AdamW's decay is scaled so that matrices and embedding lose the same share in a step.
    optimizers = [
        Muon(matrices, lr, weight_decay=weight_decay),
        torch.optim.AdamW(
            [
                {"params": [p for p in rest if p.dim() == 2], "weight_decay": weight_decay * lr / embed_lr},
                {"params": [p for p in rest if p.dim() == 1], "weight_decay": 0.0},
            ],
            lr=embed_lr,
            betas=(0.9, 0.98),
        ),
    ]
    peaks = [[g["lr"] for g in o.param_groups] for o in optimizers]
    device = next(model.parameters()).device.type
    began = time.time()
    for step in range(steps):
        at = (step + 1) / steps
        now = min(at / 0.05, (1 - step / steps) / 0.95, 1.0)
        for o, peak in zip(optimizers, peaks):
            for g, p in zip(o.param_groups, peak):
                g["lr"] = p * now
        x, y, soft = next(source)
        model.train()
        with torch.autocast(device, torch.bfloat16):
            loss = loss_of(model(x), model.embed.weight, y, soft, share)
        loss.backward()
        for o in optimizers:
            o.step()
            o.zero_grad()
        if report and every and ((step + 1) % every == 0 or step + 1 == steps):
            model.eval()
            with torch.compiler.set_stance("force_eager"):
                report(step + 1, loss.item(), time.time() - began)
    model.eval()
    return model
