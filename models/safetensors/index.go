package safetensors

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// index is a model.safetensors.index.json: the shard that each tensor lies in.
type index struct {
	path   string
	shards map[string]string // tensor to shard
}

func readIndex(name string) (*index, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	x := &index{path: name}
	d, err := newDecoder(text, 0)
	if err == nil {
		err = x.read(d)
	}
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if x.shards == nil {
		return nil, fmt.Errorf("%s: has no weight_map", name)
	}
	return x, nil
}

// read decodes the weight_map. What else an index has describes the whole (total_size) and is often wrong.
func (x *index) read(d *decoder) error {
	return d.object(func(key string) error {
		if key != "weight_map" {
			return d.skip()
		}
		x.shards = map[string]string{}
		return d.object(func(tensor string) error {
			shard, err := d.string()
			if err == nil {
				err = checkShardName(shard)
			}
			if err != nil {
				return fmt.Errorf("weight_map: tensor %q: %w", tensor, err)
			}
			x.shards[tensor] = shard
			return nil
		})
	})
}

// checkShardName refuses a name that leads out of the model's folder on any system, and a second spelling of a name.
func checkShardName(shard string) error {
	if !filepath.IsLocal(shard) || strings.ContainsAny(shard, `\:`) || path.Clean(shard) != shard {
		return fmt.Errorf("shard %q is no plain path within the model's folder", shard)
	}
	return nil
}
