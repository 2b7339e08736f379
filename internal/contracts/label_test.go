package contracts

import "testing"

func TestLabels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, line, prose string }{
		{"US airports", "US airports", "US airports"},
		{" first\r\nsecond\n", "first  second", "first\nsecond"},
		{"nul\x00 bell\x07 escape\x1b[31m c1\u0085", "nul  bell  escape [31m c1", "nul  bell  escape [31m c1"},
		{"line\u2028separator", "line separator", "line\u2028separator"},
		{"a\tb", "a b", "a\tb"},
		{"zażółć 価格 👩‍🚀", "zażółć 価格 👩‍🚀", "zażółć 価格 👩‍🚀"},
		{"\x00\n", "", ""},
	} {
		if got := Line(test.text); got != test.line {
			t.Errorf("Line(%q) is %q, want %q", test.text, got, test.line)
		}
		if got := Prose(test.text); got != test.prose {
			t.Errorf("Prose(%q) is %q, want %q", test.text, got, test.prose)
		}
	}
}
