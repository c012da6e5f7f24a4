kernel void ropeRotations_2(MAYBE_UNUSED device const int* step [[buffer(0)]], device const float* frequencies [[buffer(1)]], device float* rotations [[buffer(2)]], uint thread_index [[thread_index_in_threadgroup]], uint group_position [[threadgroup_position_in_grid]]) {
  MAYBE_UNUSED const int self = int(thread_index), lane = self & 31, team = self >> 5, group_index = int(group_position);
  MAYBE_UNUSED const Place place = {self, lane, team};
  const int P = step[1];
  const int pair = group_index % 10;
  const int q = group_index / 10;
  for (int part = self; part < 2; part += 256) {
    rotations[(q * 10 + pair) * 2 + part] = part == 0 ? cosf(float(P + q) * frequencies[pair]) : sinf(float(P + q) * frequencies[pair]);
  }
}
