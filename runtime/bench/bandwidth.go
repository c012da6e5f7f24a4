package bench

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

const (
	mostBuffer  = 512 << 20 // many times a CPU's caches
	leastBuffer = 128 << 20
	passTime    = 300 * time.Millisecond // of a measurement, at least
	passCount   = 5                      // at least
)

// bufferBytes is the size of the bandwidth's buffer: a quarter of the memory that is available at most, which is -1 where
// that is unknown.
func bufferBytes(available int64) int64 {
	if available < 0 {
		return mostBuffer
	}
	return max(leastBuffer, min(mostBuffer, available/4&^(1<<20-1)))
}

// readBandwidth is the most bytes a second that threads read together from a buffer of that size, of several passes: what
// slows a pass down is others' work. The buffer is the system's again when it returns.
func readBandwidth(ctx context.Context, bytes int64, threads int) (float64, error) {
	defer debug.FreeOSMemory()
	parts := make([][]uint64, threads)
	buf := make([]uint64, bytes/8)
	for i := range parts {
		parts[i] = buf[len(buf)*i/threads : len(buf)*(i+1)/threads]
	}
	each(parts, fill)
	best := 0.0
	for start, n := time.Now(), 0; n < passCount || time.Since(start) < passTime; n++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		pass := time.Now()
		each(parts, func(part []uint64) uint64 { return sum(part) })
		best = max(best, float64(len(buf)*8)/time.Since(pass).Seconds())
	}
	return best, nil
}

// each runs f on every part at once.
func each(parts [][]uint64, f func([]uint64) uint64) uint64 {
	sums := make([]uint64, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts[1:] {
		wg.Go(func() { sums[i+1] = f(part) })
	}
	sums[0] = f(parts[0])
	wg.Wait()
	total := uint64(0)
	for _, s := range sums {
		total += s
	}
	return total
}

// fill writes to every page: the pages of memory that was never written are all one page of zeros, which stays in the caches.
func fill(part []uint64) uint64 {
	for i := range part {
		part[i] = uint64(i)
	}
	return 0
}

// sum reads a part as fast as memory gives it: additions of 32 words in four chains need half the time of the loads.
func sum(part []uint64) uint64 {
	var a, b, c, d uint64
	for len(part) >= 32 {
		v := (*[32]uint64)(part)
		a += v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + v[6] + v[7]
		b += v[8] + v[9] + v[10] + v[11] + v[12] + v[13] + v[14] + v[15]
		c += v[16] + v[17] + v[18] + v[19] + v[20] + v[21] + v[22] + v[23]
		d += v[24] + v[25] + v[26] + v[27] + v[28] + v[29] + v[30] + v[31]
		part = part[32:]
	}
	for _, v := range part {
		a += v
	}
	return a + b + c + d
}
