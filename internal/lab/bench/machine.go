package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Machine is what the figures were taken on. Unknown is empty.
type Machine struct {
	System string `json:"system"` // linux/amd64
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory,omitempty"`
}

// thisMachine reads /proc, where there is one.
func thisMachine() Machine {
	return Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		CPU: field("/proc/cpuinfo", "model name"), Memory: gigabytes(field("/proc/meminfo", "MemTotal")),
	}
}

// field is the first value of a name in a file of lines like "name: value".
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// gigabytes makes "16 GB" of what /proc writes, which differs a little from start
// to start.
func gigabytes(text string) string {
	kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(text, " kB"), 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%.0f GB", kilobytes/1024/1024)
}

// Postgres is the server, and what decides about the cost of a commit there.
type Postgres struct {
	Version           string `json:"version"`
	Throwaway         bool   `json:"throwaway"`
	Fsync             string `json:"fsync"`
	SynchronousCommit string `json:"synchronous_commit"`
	SharedBuffers     string `json:"shared_buffers"`
	MaxWALSize        string `json:"max_wal_size"`
}

func thisPostgres(ctx context.Context, conn *pgx.Conn) (Postgres, error) {
	var p Postgres
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers'), current_setting('max_wal_size')`).
		Scan(&p.Version, &p.Fsync, &p.SynchronousCommit, &p.SharedBuffers, &p.MaxWALSize)
	return p, err
}
