package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// dashboard is the part of grafana-dashboard.json that the tests use. `make dashboard` validates
// the whole file.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string      `json:"name"`
			Type       string      `json:"type"`
			Query      any         `json:"query"`
			Definition string      `json:"definition"`
			Datasource *datasource `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string     `json:"name"`
			Datasource datasource `json:"datasource"`
			Target     target     `json:"target"`
		} `json:"list"`
	} `json:"annotations"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Collapsed   bool       `json:"collapsed"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ X, Y, W, H int }
	Targets     []target `json:"targets"`
	Panels      []panel  `json:"panels"`
	FieldConfig struct {
		Defaults  fieldConfig `json:"defaults"`
		Overrides []struct {
			Matcher    struct{ Options string } `json:"matcher"`
			Properties []struct {
				ID    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Options struct {
		Legend struct {
			Calcs []string `json:"calcs"`
		} `json:"legend"`
	} `json:"options"`
	Transformations []struct {
		ID      string                   `json:"id"`
		Options struct{ LimitField int } `json:"options"`
	} `json:"transformations"`
}

type target struct {
	RefID        string     `json:"refId"`
	Expr         string     `json:"expr"`
	Instant      bool       `json:"instant"`
	LegendFormat string     `json:"legendFormat"`
	Datasource   datasource `json:"datasource"`
}

// readDashboard returns the dashboard and the text of its file.
func readDashboard(t *testing.T) (dashboard, string) {
	t.Helper()
	text, err := os.ReadFile("../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(text)
}

// all returns all panels except rows, including those in collapsed rows.
func (d dashboard) all() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// units are the allowed unit IDs. Grafana shows an unknown ID as text. The unit short is not
// allowed, because it rounds counts to thousands, and shows an id as a number of billions.
var units = []string{"locale", "none", "s", "percentunit", "bytes", "decbytes"}

// maxOpenPanels is the maximum number of panels outside collapsed rows.
const maxOpenPanels = 16

func TestDashboardPanelsAreComplete(t *testing.T) {
	d, text := readDashboard(t)
	// This query of the threshold only shows whether Prometheus has the rules.
	text = strings.ReplaceAll(text, "count(greenapi:threshold)", "")
	for _, word := range []string{"__inputs", "__requires", "${DS_", "greenapi:"} {
		if strings.Contains(text, word) {
			t.Errorf("the dashboard contains %s", word)
		}
	}
	open := 0
	for _, p := range d.Panels {
		if p.Type != "row" {
			open++
		}
	}
	if open > maxOpenPanels {
		t.Errorf("%d panels are open", open)
	}
	chosen := datasource{"prometheus", "${datasource}"}
	for _, v := range d.Templating.List {
		if v.Datasource != nil && *v.Datasource != chosen {
			t.Errorf("variable %s uses the data source %v", v.Name, *v.Datasource)
		}
	}
	for _, a := range d.Annotations.List {
		if a.Datasource != chosen {
			t.Errorf("annotation %s uses the data source %v", a.Name, a.Datasource)
		}
	}
	for _, p := range d.all() {
		if p.Title == "" || len(p.Description) < 40 {
			t.Errorf("panel %q has no title or no description", p.Title)
		}
		if !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
			t.Errorf("panel %q has the unit %q", p.Title, p.FieldConfig.Defaults.Unit)
		}
		isColored := p.Type != "timeseries" && p.Type != "table"
		for _, field := range p.fields(t) {
			if isColored && field.Color.Mode != "fixed" && field.of(nil) == "green" {
				t.Errorf("panel %q is green without a value", p.Title)
			}
		}
		if p.Type == "table" {
			instance := p.field(t, "instance")
			if instance.Unit != "string" || len(instance.Links) != 1 ||
				!strings.Contains(instance.Links[0].URL, "&var-id_instance=${__value.raw}&") {
				t.Errorf("table %q shows ids as numbers, or its links contain them", p.Title)
			}
		}
		// The last value of a series that has ended is not current.
		if len(p.Options.Legend.Calcs) > 0 {
			t.Errorf("the legend of panel %q has values", p.Title)
		}
		if p.Datasource != chosen {
			t.Errorf("panel %q uses the data source %v", p.Title, p.Datasource)
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource != chosen {
				t.Errorf("panel %q %s uses the data source %v",
					p.Title, target.RefID, target.Datasource)
			}
		}
	}
}

// TestDashboardPanelsDoNotOverlap checks that each cell of the grid has exactly one panel. The
// panels of a collapsed row have their own grid below the row.
func TestDashboardPanelsDoNotOverlap(t *testing.T) {
	d, _ := readDashboard(t)
	ids := make(map[int]string)
	var check func(panels []panel, top int)
	check = func(panels []panel, top int) {
		at := make(map[[2]int]string)
		bottom := top
		for _, p := range panels {
			if other, taken := ids[p.ID]; taken || p.ID <= 0 {
				t.Errorf("panels %q and %q have the id %d", other, p.Title, p.ID)
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.X < 0 || g.Y < top || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
				t.Errorf("panel %q is outside the grid: %+v", p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, taken := at[[2]int{x, y}]; taken {
						t.Fatalf("panels %q and %q overlap", other, p.Title)
					}
					at[[2]int{x, y}] = p.Title
				}
			}
			bottom = max(bottom, g.Y+g.H)
			if p.Type == "row" && p.Collapsed == (len(p.Panels) == 0) {
				t.Errorf("row %q must contain panels if and only if it is collapsed", p.Title)
			}
			check(p.Panels, g.Y+1)
		}
		if len(at) != 24*(bottom-top) {
			t.Errorf("%d of %d cells are empty", 24*(bottom-top)-len(at), 24*(bottom-top))
		}
	}
	check(d.Panels, 0)
}
