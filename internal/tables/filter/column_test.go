package filter

import (
	"bytes"
	"go/ast"
	"go/importer"
	source "go/parser"
	"go/token"
	"go/types"
	"io"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestColumns(t *testing.T) {
	t.Parallel()
	type kind string
	berlin := time.FixedZone("", 3600)
	for _, test := range []struct {
		e    Expr
		want string
	}{
		{Text("region").Eq("US"), "region=US"},
		{Text("name").IContains("cap"), "name.icontains=cap"},
		{Text("name").In("a", "b,c"), `name.in=(a,"b,c")`},
		{Text("name").IsNull(), "name.isnull=true"},
		{Text("name").NotNull(), "name.isnull=false"},
		{Number[int64]("n").Between(-9223372036854775808, 9223372036854775807), "n.between=(-9223372036854775808,9223372036854775807)"},
		{Number[uint64]("n").Lt(18446744073709551615), "n.lt=18446744073709551615"},
		{Number[float64]("x").Gte(0.1), "x.gte=0.1"},
		{Number[float32]("x").Lte(0.1), "x.lte=0.1"},
		{BigNumber("n").Gt(new(big.Int).Lsh(big.NewInt(1), 100)), "n.gt=1267650600228229401496703205376"},
		{Decimal("usd").Ne("-12.50"), "usd.ne=-12.50"},
		{Date("d").Eq(time.Date(2026, 3, 22, 0, 0, 0, 0, berlin)), "d=2026-03-22"},
		{Date("d").Eq(time.Date(2026, 3, 22, 9, 0, 0, 0, berlin)), "d=2026-03-22T09:00:00+01:00"},
		{Instant("t").Gt(time.Date(2026, 3, 22, 0, 0, 0, 5, berlin)), "t.gt=2026-03-21T23:00:00.000000005Z"},
		{Bool("open").Eq(true), "open=true"},
		{UUID("id").NotIn(uuid.UUID{15: 1}), "id.nin=(00000000-0000-0000-0000-000000000001)"},
		{Enum[kind]("kind").Eq("small"), "kind=small"},
		{Address("ip").Lt(netip.MustParseAddr("::1")), "ip.lt=::1"},
		{Or{Not{Text("a").Eq("x")}, And{Text("b").Like("_"), Related("debts").Has(Text("kind").Eq("margin"), Decimal("usd").Gte("10000"))}}, "or(not(a=x),and(b.like=_,debts(kind=margin,usd.gte=10000)))"},
		{Related("debts").Has(), "debts()"},
	} {
		if got := text(test.e); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// Columns cannot be asked what their type has no meaning for, nor with values of another.
func TestWrongTypesDoNotCompile(t *testing.T) {
	t.Parallel()
	check := typeChecker(t)
	for _, right := range []string{
		`Text("a").Eq("x")`, `Number[int]("a").In(1, 2)`, `Decimal("a").Between("1", "2.50")`, `Date("a").Lt(time.Now())`, `Bool("a").Ne(true)`,
		`And{Text("a").Eq("x"), Related("r").Has(Bool("b").Eq(true))}`, `Enum[string]("a").In("x")`,
	} {
		if err := check(right); err != nil {
			t.Errorf("%s does not compile: %v", right, err)
		}
	}
	for _, wrong := range []string{
		`Text("a").Eq(1)`, `Text("a").In("x", 2)`, `Number[int64]("a").Eq("1")`, `Number[int64]("a").Eq(1.5)`, `Number[uint8]("a").Eq(256)`, `Number[string]("a")`,
		`Decimal("a").Eq(1.5)`, `Decimal("a").Eq(big.NewRat(1, 2))`, `Date("a").Eq("2026-01-01")`, `Instant("a").Eq(0)`, `Bool("a").Eq("true")`, `UUID("a").Eq("x")`,
		`Bool("a").Lt(true)`, `UUID("a").Between(uuid.UUID{}, uuid.UUID{})`, `Enum[string]("a").Gt("x")`, // no order
		`Number[int]("a").Contains("1")`, `Date("a").StartsWith("2026")`, `Decimal("a").Like("1%")`, // no text
		`Text("a").Between("x")`, `And{"a = 1"}`, `Related("r").Has("a = 1")`, `Not{true}`,
	} {
		if check(wrong) == nil {
			t.Errorf("%s compiles", wrong)
		}
	}
}

// typeChecker checks expressions in terms of this package, as the compiler would.
func typeChecker(t *testing.T) func(expression string) error {
	t.Helper()
	var exports, complaints bytes.Buffer
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", ".")
	list.Stdout, list.Stderr = &exports, &complaints
	if err := list.Run(); err != nil {
		t.Fatalf("go list: %v: %s", err, complaints.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(exports.String()) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
	return func(expression string) error {
		text := "package p\nimport (. \"framehouse/internal/tables/filter\"; \"math/big\"; \"time\"; \"github.com/google/uuid\")\n" +
			"var _, _, _ = time.Now, big.NewRat, uuid.Nil\nvar _ = " + expression
		file, err := source.ParseFile(fset, "p.go", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&types.Config{Importer: imports}).Check("p", fset, []*ast.File{file}, nil)
		return err
	}
}
