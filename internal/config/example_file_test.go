package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/joho/godotenv"
	"github.com/sethvargo/go-envconfig"
)

const exampleFile = "../../.env.example"

// exampleLine is a variable of the example, in force or commented out.
var exampleLine = regexp.MustCompile(`^(# )?([A-Z][A-Z0-9_]*)=(.*)$`)

// all lists every variable there is.
func all(part reflect.Value, prefix string) (list []field) {
	for f := range fields(part, prefix) {
		if f.name == "" {
			list = append(list, all(f.value, f.prefix)...)
		} else {
			list = append(list, f)
		}
	}
	return list
}

func TestExampleFileIsInStep(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		match := exampleLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		name := match[2]
		if _, twice := shown[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		shown[name] = match[3]
		if i == 0 || !strings.HasPrefix(lines[i-1], "# ") || exampleLine.MatchString(lines[i-1]) {
			t.Errorf("%s has no line of explanation above it", name)
		}
	}

	var names []string
	for _, f := range all(reflect.ValueOf(new(Config)).Elem(), "") {
		names = append(names, f.name)
		want := f.fallback
		if f.name == "DATABASE_URL" {
			want = f.Tag.Get("example")
		}
		if got, ok := shown[f.name]; !ok || got != want {
			t.Errorf("%s=%s is shown (%t), want %q", f.name, got, ok, want)
		}
	}
	for name := range shown {
		if !slices.Contains(names, name) {
			t.Errorf("%s is shown, but nobody reads it", name)
		}
	}
}

func TestExampleFileLoads(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		t.Fatal(err)
	}
	uncommented, err := godotenv.Unmarshal(regexp.MustCompile(`(?m)^# ([A-Z][A-Z0-9_]*=)`).ReplaceAllString(string(text), "$1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(uncommented) <= len(bare) {
		t.Fatalf("%d variables, and %d without the comments", len(bare), len(uncommented))
	}
	first, err := Load(t.Context(), envconfig.MapLookuper(bare))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(t.Context(), envconfig.MapLookuper(uncommented))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("a line that is commented out does not show the default:\n%+v\n%+v", first, second)
	}
}

// TestTags reads every tag, because a mistake in one shows only when its
// variable is set.
func TestTags(t *testing.T) {
	t.Parallel()
	for _, f := range all(reflect.ValueOf(new(Config)).Elem(), "") {
		least, most := f.limits()
		for _, limit := range []string{least, most} {
			if limit != "" {
				f.number(limit)
			}
		}
		if number := f.value.CanInt() && len(f.options()) == 0; number && least == "" {
			t.Errorf("%s has no range", f.name)
		}
		text := f.fallback
		if text == "" {
			text = f.Tag.Get("example")
		}
		if text == "" {
			continue
		}
		env := envconfig.MapLookuper(map[string]string{f.name: text})
		if problem := f.decode(t.Context(), env); problem != "" {
			t.Errorf("%s=%s: %s", f.name, text, problem)
		}
	}
}
