//go:build unix

package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPeerGroup: what the shell started ends with it.
func TestPeerGroup(t *testing.T) {
	needsShell(t)
	late := filepath.Join(t.TempDir(), "late")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := (&peer{command: "(sleep 1; echo x > '" + late + "') & wait", pp: 1, tg: 1}).run(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	time.Sleep(1500 * time.Millisecond)
	_, err = os.Stat(late)
	require.ErrorIs(t, err, os.ErrNotExist)
}
