package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The routes that were written by hand read what they know of a table that has more, and are
// described and offered only where there is what they read.
func TestTutorialOverOtherTables(t *testing.T) {
	t.Parallel()
	app := customers(t, Config{}) // with a column credit besides, and no random numbers
	var rows []map[string]any
	a := get(t, app.URL()+"/customers?region=EU")
	if err := json.Unmarshal(a.body, &rows); err != nil || a.status != http.StatusOK || len(rows) != 1 || rows[0]["customer_code"] != "BOLT" {
		t.Errorf("/customers: %d %s", a.status, a.body)
	}
	const random = "/random-numbers?start_date=2026-03-01&end_date=2026-03-31"
	if p := get(t, app.URL()+random).problem(t); p.Status != http.StatusNotFound || p.Code != "unknown_node" {
		t.Errorf("%s: %+v", random, p)
	}
	for _, document := range []string{"/openapi.json", discoveryPath} {
		text := string(get(t, app.URL()+document).body)
		if !strings.Contains(text, `"readCustomersSource"`) || strings.Contains(text, `"listRandomNumbers"`) {
			t.Errorf("%s does not offer what there is: %.1000s", document, text)
		}
	}
}
