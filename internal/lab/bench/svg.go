package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
	"unicode/utf8"
)

// The measures of a picture, in its own units.
const (
	pictureWidth = 760.0
	titleHeight  = 34.0
	labelWidth   = 350.0 // left of bars
	valueWidth   = 90.0  // right of bars
	barHeight    = 26.0
	linesHeight  = 300.0
	leftAxis     = 64.0
	bottomAxis   = 46.0
	legendLine   = 18.0
)

// pictureStyle also suits a page that is dark.
const pictureStyle = `<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:14px;font-weight:600}.faint{fill:#57606a}
.bar{fill:#4c78a8}.mark{stroke:#24292f;stroke-width:1.5}.grid{stroke:#8c959f;stroke-opacity:.3}.line{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#8d96a0}.mark{stroke:#e6edf3}}
</style>
`

// colours tell lines apart, also for those who see few of them.
var colours = []string{"#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#eeca3b"}

// picture is an SVG that grows.
type picture struct{ strings.Builder }

func (p *picture) put(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *picture) text(x, y float64, class, anchor, text string) {
	p.put(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(text))
}

func (p *picture) line(x1, y1, x2, y2 float64, class string) {
	p.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (p Plot) svg() string {
	var body picture
	height := titleHeight
	if len(p.Bars) > 0 {
		height += p.drawBars(&body)
	} else {
		height += p.drawLines(&body)
	}
	var out picture
	out.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img">`, pictureWidth, height)
	out.put(`<title>%s</title>`, html.EscapeString(p.Title))
	out.WriteString(pictureStyle)
	out.text(12, 22, "title", "start", p.Title)
	out.WriteString(body.String())
	out.put(`</svg>`)
	return out.String()
}

// drawBars draws a bar a line: as long as the median, with a mark from the
// smallest to the largest round. It answers how high that is.
func (p Plot) drawBars(out *picture) float64 {
	largest := 0.0
	for _, b := range p.Bars {
		largest = max(largest, b.Max)
	}
	if largest <= 0 {
		largest = 1
	}
	scale := (pictureWidth - labelWidth - valueWidth) / largest
	y := titleHeight
	for _, b := range p.Bars {
		middle := y + barHeight/2
		out.text(labelWidth-8, middle+4, "", "end", shorten(b.Name))
		out.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="bar"/>`, labelWidth, y+4, max(0, b.Median*scale), barHeight-8)
		out.line(labelWidth+b.Min*scale, middle, labelWidth+b.Max*scale, middle, "mark")
		out.text(labelWidth+b.Max*scale+6, middle+4, "faint", "start", amount(b.Median, p.Unit))
		y += barHeight
	}
	return y - titleHeight + 10
}

// drawLines draws lines over a common axis, and answers how high that is.
func (p Plot) drawLines(out *picture) float64 {
	var x, y axis
	for _, s := range p.Lines {
		for _, point := range s.Points {
			x.include(point[0])
			y.include(point[1])
		}
	}
	y.include(0)
	x.log = p.Log && x.least > 0
	legend := legendLine * float64(len(p.Lines))
	top := titleHeight + legend
	bottom := top + linesHeight
	x.from, x.to = leftAxis, pictureWidth-24
	y.from, y.to = bottom, top+8
	x.round()
	y.round()
	for _, tick := range y.ticks() {
		at := y.place(tick)
		out.line(x.from, at, x.to, at, "grid")
		out.text(x.from-6, at+4, "faint", "end", number(tick))
	}
	for _, tick := range x.ticks() {
		at := x.place(tick)
		out.line(at, y.from, at, y.to, "grid")
		out.text(at, y.from+16, "faint", "middle", number(tick))
	}
	out.text(x.to, bottom+34, "faint", "end", p.Across)
	out.text(leftAxis-6, top-2, "faint", "end", p.Unit)
	for i, s := range p.Lines {
		colour := colours[i%len(colours)]
		row := titleHeight + legendLine*float64(i)
		out.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" class="line"/>`, leftAxis+24, row+4, leftAxis+48, row+4, colour)
		out.text(leftAxis+56, row+8, "", "start", s.Name)
		var points []string
		for _, point := range s.Points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.place(point[0]), y.place(point[1])))
		}
		out.put(`<polyline points="%s" stroke="%s" class="line"/>`, strings.Join(points, " "), colour)
	}
	return legend + linesHeight + bottomAxis
}

// axis places values on a line of the picture.
type axis struct {
	least, most float64
	any, log    bool
	from, to    float64 // in the picture
	step        float64 // between ticks, where it is not logarithmic
}

func (a *axis) include(value float64) {
	if !a.any {
		a.least, a.most, a.any = value, value, true
	}
	a.least, a.most = min(a.least, value), max(a.most, value)
}

// round widens the axis to where ticks are.
func (a *axis) round() {
	if a.log {
		a.least = math.Pow(10, math.Floor(math.Log10(a.least)))
		a.most = math.Pow(10, math.Ceil(math.Log10(a.most)))
		if a.most <= a.least {
			a.most = a.least * 10
		}
		return
	}
	if a.most <= a.least {
		a.most = a.least + 1
	}
	const about = 5 // ticks
	rough := (a.most - a.least) / about
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, times := range []float64{1, 2, 5, 10} {
		if a.step = unit * times; a.step >= rough {
			break
		}
	}
	a.least = math.Floor(a.least/a.step) * a.step
	a.most = math.Ceil(a.most/a.step) * a.step
}

func (a *axis) ticks() []float64 {
	var all []float64
	if a.log {
		for tick := a.least; tick <= a.most*1.001; tick *= 10 {
			all = append(all, tick)
		}
		return all
	}
	for i := 0; a.least+float64(i)*a.step <= a.most+a.step/2; i++ {
		all = append(all, a.least+float64(i)*a.step)
	}
	return all
}

func (a *axis) place(value float64) float64 {
	share := (value - a.least) / (a.most - a.least)
	if a.log {
		share = (math.Log10(value) - math.Log10(a.least)) / (math.Log10(a.most) - math.Log10(a.least))
	}
	return a.from + share*(a.to-a.from)
}

// shorten keeps a name beside its bar.
func shorten(name string) string {
	const most = 50
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	return string([]rune(name)[:most-1]) + "…"
}
