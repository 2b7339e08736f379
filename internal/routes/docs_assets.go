package routes

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzip"

	"framehouse/internal/contracts"
)

// assetFiles are ours, and in the folder swagger-ui what scripts/fetch-docs.sh has fetched.
//
//go:embed docs.js pages.css swagger-ui
var assetFiles embed.FS

// assets are what the pages for people load, each compressed with gzip.
type assets struct {
	path     string // below the root, with a hash of all of them: what it names never changes
	files    map[string][]byte
	licence  []byte
	complete bool // whether the library that draws the docs page is among them
}

func readAssets() (*assets, error) {
	a := &assets{files: map[string][]byte{}}
	hash := sha256.New()
	err := fs.WalkDir(assetFiles, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := assetFiles.ReadFile(file)
		if err != nil {
			return err
		}
		switch name := path.Base(file); path.Ext(name) {
		case ".gz":
			a.files[strings.TrimSuffix(name, ".gz")] = content
		case ".js", ".css":
			var compressed bytes.Buffer
			w := gzip.NewWriter(&compressed)
			if _, err := w.Write(content); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			a.files[name] = compressed.Bytes()
		case ".md":
			return nil
		default:
			a.licence = append(append(a.licence, content...), "\n\n"...)
		}
		hash.Write(content)
		return nil
	})
	_, hasScript := a.files["swagger-ui-bundle.js"]
	_, hasStyle := a.files["swagger-ui.css"]
	a.complete = hasScript && hasStyle
	a.path = "docs/" + hex.EncodeToString(hash.Sum(nil)[:8])
	return a, err
}

// serveAsset answers with one of the files, which a browser need never ask for again.
func (a *API) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	compressed, ok := a.assets.files[name]
	if !ok || "docs/"+chi.URLParam(r, "hash") != a.assets.path {
		a.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Add("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if codingQuality(strings.Join(r.Header.Values("Accept-Encoding"), ","), "gzip") > 0 {
		h.Set("Content-Encoding", "gzip")
		_, _ = w.Write(compressed) // a client that left needs no answer
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		a.answer(w, r, contracts.AsError(err))
		return
	}
	_, _ = io.Copy(w, plain) // a client that left needs no answer
}

// serveLicence answers with the licences of what was fetched.
func (a *API) serveLicence(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("The page at /docs is drawn by swagger-ui-dist, whose licences follow.\n\n"))
	_, _ = w.Write(a.assets.licence) // a client that left needs no answer
}
