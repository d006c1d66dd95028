package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set when the program is built: -ldflags "-X main.version=v1.2.3".
var version string

func newVersionCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version, and what it was built from.",
		Example: "  contactsync version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := say(p.stdout, "%s\n", "contactsync "+versionText(version, info))
			return err
		},
	}
}

// shortVersion names this build in a list: the version, else the commit.
func shortVersion() string {
	info, ok := debug.ReadBuildInfo()
	if version != "" || !ok {
		return cmp.Or(version, "(devel)")
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return cmp.Or(info.Main.Version, "(devel)")
}

// versionText prefers the stamped version to the one that the go command noted,
// which knows tags only where it had the repository at hand. Info may be nil.
func versionText(stamped string, info *debug.BuildInfo) string {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	noted := map[string]string{}
	for _, setting := range info.Settings {
		noted[setting.Key] = setting.Value
	}
	var details []string
	if commit := noted["vcs.revision"]; commit != "" {
		if noted["vcs.modified"] == "true" {
			commit += ", modified"
		}
		details = append(details, "commit "+commit)
	}
	if at := noted["vcs.time"]; at != "" {
		details = append(details, at)
	}
	details = append(details, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return cmp.Or(stamped, info.Main.Version, "(devel)") + " (" + strings.Join(details, ", ") + ")"
}
