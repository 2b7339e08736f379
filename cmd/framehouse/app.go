package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"framehouse/internal/cache"
	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/demo"
	"framehouse/internal/routes"
	"framehouse/internal/store"
	"framehouse/internal/store/engine"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables"
	"framehouse/internal/timeseries"
)

// Config says what an App serves, from where.
type Config struct {
	Listen       string         // host:port; port 0 takes a free one
	CatalogFile  string         // path of the catalog
	Demo         bool           // serve the demo catalog instead, and load its data
	Publish      string         // serve all tables of this database instead, without a catalog
	ClickHouse   string         // URL of a ClickHouse; empty starts one on DataDir
	DataDir      string         // folder of the ClickHouse that is started
	QueryTimeout time.Duration  // zero means store.DefaultQueryTimeout
	QueryLimits  sql.Limits     // of a query, where the catalog says nothing else; Time is QueryTimeout
	MaxQueries   int            // queries that ClickHouse works on at once; zero means as many as suit it
	QueueTimeout time.Duration  // zero means defaultQueueTimeout
	Origins      routes.Origins // sites whose scripts may read answers
	BasePath     string         // what all paths begin with, such as /data; empty for none
	PublicURL    string         // what clients call us, for documents; empty when nobody has said it
	CacheSize    int64          // bytes of answers that are kept; zero keeps none
	Logger       *slog.Logger
	Progress     func(message string) // told of what takes long

	piecesFrom time.Duration // see timeseries.Service; tests read in pieces what would not pay
}

// App is a running framehouse.
type App struct {
	cfg    Config
	engine *engine.Engine // nil with a ClickHouse of the operator's
	store  *store.Store
	live   *catalog.Live
	kept   *cache.Cache // nil when no answers are kept
	server *http.Server
	listen net.Listener
	stop   context.CancelFunc // ends what runs in the background, and with it every request
	failed chan error
}

// Open starts all parts, the engine first and the listener last: what it accepts, it
// can answer.
func Open(ctx context.Context, cfg Config) (_ *App, err error) {
	a := &App{cfg: cfg, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	// Before anything slow: an address in use and a missing file are known at once.
	if a.listen, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another with --listen)", cfg.Listen, err)
	}
	name, content, err := cfg.catalog()
	if err != nil {
		return nil, err
	}
	if a.store, a.engine, err = openStore(ctx, cfg, "framehouse serve on "+a.listen.Addr().String()); err != nil {
		return nil, err
	}
	if cfg.Demo {
		if err := loadDemo(ctx, a.store, cfg.Progress); err != nil {
			return nil, err
		}
	}
	var background context.Context
	background, a.stop = context.WithCancel(context.Background())
	a.live = cfg.live(name, content, a.store)
	if err := a.live.Load(ctx); err != nil {
		// A file that is no catalog will not become one by waiting; a ClickHouse that is
		// away comes back.
		if !unavailable(err) {
			return nil, err
		}
		cfg.Logger.Warn("ClickHouse cannot be reached; serving 503 until it can", "error", err)
	}
	go a.live.Run(background)

	sizes := catalog.NewSizes(a.live, a.store)
	series := &timeseries.Service{Catalog: a.live, Sizes: sizes, Store: a.store, Now: time.Now}
	if cfg.CacheSize > 0 {
		a.kept = cache.New(cfg.CacheSize)
		series.Kept, series.PiecesFrom = a.kept, cfg.piecesFrom
	}
	a.server = &http.Server{
		Handler: routes.New(routes.Services{
			Tables:     &tables.Service{Catalog: a.live, Sizes: sizes, Store: a.store},
			TimeSeries: series,
			Catalog:    a.live,
			Ping:       a.ping,
			Build:      build(),
			Logger:     cfg.Logger,
			Origins:    cfg.Origins,
			BasePath:   cfg.BasePath,
			PublicURL:  cfg.PublicURL,
			Cache:      a.kept,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return background },
		MaxHeaderBytes:    64 << 10, // the longest URL that is read; a filter with a thousand values fits
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := a.server.Serve(a.listen); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}()
	return a, nil
}

// URL is where the App answers, its base path included.
func (a *App) URL() string { return "http://" + a.listen.Addr().String() + a.cfg.BasePath }

// Reload asks for the catalog to be read again now.
func (a *App) Reload() { a.live.Reload() }

// Failed delivers the error that ended serving, if one does.
func (a *App) Failed() <-chan error { return a.failed }

// finishTime is what requests under way get to finish. Container platforms kill after ten
// seconds, of which ClickHouse needs some too.
const finishTime = 3 * time.Second

// Close ends serving, lets requests under way finish for a moment, and stops what Open
// started, in reverse order.
func (a *App) Close() error {
	var errs []error
	if a.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), finishTime)
		defer cancel()
		if err := a.server.Shutdown(ctx); err != nil {
			// Their queries must end before ClickHouse is stopped.
			a.stop()
			errs = append(errs, a.server.Close())
		}
	} else if a.listen != nil {
		errs = append(errs, a.listen.Close())
	}
	if a.stop != nil {
		a.stop()
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.engine != nil {
		errs = append(errs, a.engine.Close())
	}
	return errors.Join(errs...)
}

// openStore opens the operator's ClickHouse, or starts one of our own; owner is who the
// data folder's lock names.
func openStore(ctx context.Context, cfg Config, owner string) (*store.Store, *engine.Engine, error) {
	if cfg.ClickHouse != "" {
		server, err := store.ParseURL(cfg.ClickHouse)
		if err != nil {
			return nil, nil, usageError{err}
		}
		s, err := store.Open(cfg.store(server))
		return s, nil, err
	}
	e, err := engine.Open(ctx, engine.Config{Dir: cfg.DataDir, Logger: cfg.Logger, Owner: owner})
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(cfg.store(embedded(e)))
	return s, e, err
}

// embedded is our own engine as a server.
func embedded(e *engine.Engine) store.Server {
	return store.Server{
		Hosts:    []string{"127.0.0.1:8123"}, // a name only: the engine knows its port
		User:     e.User(),
		Password: e.Password(),
		Database: e.Database(),
		Dial:     e.DialContext,
		Local:    true,
	}
}

// ping knows of a death of our own engine before a query could.
func (a *App) ping(ctx context.Context) (string, error) {
	if a.engine == nil {
		return a.store.Ping(ctx)
	}
	if err := a.engine.Health(); err != nil {
		down := &contracts.Error{
			Code:       contracts.CodeUnavailable,
			Detail:     "The ClickHouse that framehouse runs has ended and is being restarted.",
			RetryAfter: time.Second,
			Cause:      err,
		}
		if a.engine.GivenUp() {
			down.Detail = "The ClickHouse that framehouse runs ended again and again and was given up; the log says why. Start framehouse again."
		}
		return "", down
	}
	return a.store.Ping(ctx)
}

func loadDemo(ctx context.Context, db *store.Store, progress func(string)) error {
	dir, err := demo.Find()
	if err != nil {
		return err
	}
	return demo.Load(ctx, db, dir, progress)
}

// live is the catalog that is to be served, not yet loaded; name and content are those of
// catalog.
func (c Config) live(name string, content []byte, db *store.Store) *catalog.Live {
	switch {
	case c.Publish != "":
		return catalog.NewLiveDatabase(c.Publish, db, c.Logger)
	case c.Demo:
		return catalog.NewLive(name, content, db, c.Logger)
	}
	return catalog.NewLiveFile(name, content, db, c.Logger)
}

func (c Config) catalog() (name string, content []byte, err error) {
	if c.Demo {
		return "demo catalog", demo.Catalog(), nil
	}
	if c.Publish != "" {
		return "", nil, nil // it is written when ClickHouse can be asked
	}
	content, err = os.ReadFile(c.CatalogFile)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("there is no catalog %s; framehouse catalog init writes one, --catalog names another, --publish DATABASE does without, and --demo is for looking around", c.CatalogFile)
	}
	return c.CatalogFile, content, err
}
