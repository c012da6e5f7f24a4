kernel void x_1(MAYBE_UNUSED device const int* step [[buffer(0)]], device const int* tokens [[buffer(1)]], device const uchar* embed [[buffer(2)]], device float* x [[buffer(3)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  for (int embd = self; embd < 96; embd += 256) {
    x[embd] = q4_0_at(embed, tokens[0] * 96 + embd);
  }
}
