package bench

import "testing"

func TestQuantile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0},
		{[]float64{3}, 0.99, 3},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{4, 1, 2, 3}, 0, 1},
		{[]float64{4, 1, 2, 3}, 1, 4},
	} {
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", tt.values, tt.q, got, tt.want)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	t.Parallel()
	// The machine is twice as fast in the second round: the ratio does not see it.
	base := Figure{Case: "base", Values: []float64{100, 200, 300}}
	fig := Figure{Values: []float64{50, 100, 150, 999}, Aim: &Aim{AtLeast: true, Value: 0.5, OfRatio: true}}
	fig.summarize()
	fig.compare(&base)
	fig.judge()
	if fig.Median != 125 || fig.Min != 50 || fig.Max != 999 {
		t.Errorf("median %v of %v to %v", fig.Median, fig.Min, fig.Max)
	}
	if want := (Ratio{To: "base", Median: 0.5, Min: 0.5, Max: 0.5}); *fig.Ratio != want {
		t.Errorf("ratio %+v, want %+v", *fig.Ratio, want)
	}
	if !fig.Aim.Met {
		t.Error("the aim is not met")
	}
}

func TestAims(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		aim  Aim
		want bool
	}{
		{Aim{Value: 2}, true},
		{Aim{Value: 1.9}, false},
		{Aim{AtLeast: true, Value: 2}, true},
		{Aim{AtLeast: true, Value: 2.1}, false},
	} {
		f := Figure{Values: []float64{1, 2, 30}, Aim: &tt.aim}
		f.summarize()
		if f.judge(); f.Aim.Met != tt.want {
			t.Errorf("2 against %+v: %v", tt.aim, f.Aim.Met)
		}
	}
	none := Figure{Values: []float64{1}, Aim: &Aim{OfRatio: true}}
	if none.judge(); none.Aim != nil {
		t.Error("an aim for a ratio is judged without one")
	}
}
