// Reads a log over HTTP(S) with an implementation that is not ours: golang.org/x/mod's note and
// tlog. Opens the checkpoint, reads every tile through tlog.TileHashReader, checks that every entry
// is in the tree and that the tree of every earlier size is its start.
//
//	tiles URL VERIFIER_KEY [CA CERTIFICATE KEY]
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type reader struct {
	url    string
	client *http.Client
}

func (r *reader) get(path string) ([]byte, error) {
	answer, err := r.client.Get(r.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("%s: %s: %s", path, answer.Status, body)
	}
	return body, err
}

// tlog.TileReader. Its paths name the height of tiles, ours do not.
func (r *reader) Height() int { return 8 }

func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		data, err := r.get("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}

// The entries of a bundle, whose name is that of the tile of their hashes.
func (r *reader) bundle(tile tlog.Tile) ([][]byte, error) {
	data, err := r.get("tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/"))
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) >= 2 {
		length := int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) != 0 || len(out) != tile.W {
		return nil, fmt.Errorf("bundle %v has %d entries and %d bytes more", tile, len(out), len(data))
	}
	return out, nil
}

func openTree(r *reader, verifierKey string) (tlog.Tree, error) {
	var tree tlog.Tree
	text, err := r.get("checkpoint")
	if err != nil {
		return tree, err
	}
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("no checkpoint: %q", opened.Text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	copy(tree.Hash[:], root)
	return tree, err
}

func check(r *reader, verifierKey string) error {
	tree, err := openTree(r, verifierKey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, r)
	for at := int64(0); at < tree.N; at += 256 {
		width := tree.N - at
		if width > 256 {
			width = 256
		}
		entries, err := r.bundle(tlog.Tile{H: 8, L: 0, N: at / 256, W: int(width)})
		if err != nil {
			return err
		}
		for i, entry := range entries {
			index := at + int64(i)
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %v", index, err)
			}
		}
	}
	for size := int64(1); size < tree.N; size++ {
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return fmt.Errorf("tree of %d: %v", size, err)
		}
	}
	fmt.Printf("checked %d entries\n", tree.N)
	return nil
}

func clientFor(files []string) (*http.Client, error) {
	if len(files) != 3 {
		return http.DefaultClient, nil
	}
	pem, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(files[1], files[2])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}

func main() {
	client, err := clientFor(os.Args[3:])
	if err == nil {
		err = check(&reader{os.Args[1], client}, os.Args[2])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
