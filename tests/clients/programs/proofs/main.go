// Verifies a log and its proofs with code that others wrote: golang.org/x/mod/sumdb and github.com/transparency-dev.
//
//	proofs log FOLDER PUBLIC-KEY OLDER-CHECKPOINT CONSISTENCY-PROOF   every tile, every entry, consistency with the older one
//	proofs entry FILE.tlog-proof ENTRY PUBLIC-KEY [WITNESS-KEY]       that the entry is in the log
package main

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var hasher = rfc6962.New(crypto.SHA256)

func main() {
	run := map[string]func([]string) error{"log": verifyLog, "entry": verifyEntry}[os.Args[1]]
	if err := run(os.Args[2:]); err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Println("verified")
}

func verifyLog(args []string) error {
	folder := args[0]
	newest, err := checkpoint(filepath.Join(folder, "checkpoint"), args[1])
	if err != nil {
		return err
	}
	older, err := checkpoint(args[2], args[1])
	if err != nil {
		return err
	}
	tree, before := head(newest), head(older)
	reader := tlog.TileHashReader(tree, tiles(folder)) // checks every tile that it reads against the root
	if err := verifyEntries(folder, tree, reader); err != nil {
		return err
	}
	consistent, err := tlog.ProveTree(tree.N, before.N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(consistent, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return err
	}
	ours, err := hashes(args[3])
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(hasher, older.Size, newest.Size, ours, older.Hash, newest.Hash)
}

// verifyEntries compares each entry of the bundles with the tiles of level 0, and proves it with tlog.
func verifyEntries(folder string, tree tlog.Tree, reader tlog.HashReader) error {
	for start := int64(0); start < tree.N; start += 256 {
		width := min(256, tree.N-start)
		content, err := os.ReadFile(filepath.Join(folder, "tile", "entries", numbered(start/256, int(width))))
		if err != nil {
			return err
		}
		for n := start; n < start+width; n++ {
			length := int(binary.BigEndian.Uint16(content))
			entry := tlog.RecordHash(content[2 : 2+length])
			content = content[2+length:]
			path, err := tlog.ProveRecord(tree.N, n, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(path, tree.N, tree.Hash, n, entry); err != nil {
				return fmt.Errorf("entry %d: %w", n, err)
			}
		}
		if len(content) != 0 {
			return errors.New("a bundle has more than its entries")
		}
	}
	return nil
}

func verifyEntry(args []string) error {
	written, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var found fproof.TLogProof
	if err := found.Unmarshal(written); err != nil {
		return err
	}
	signed, _, opened, err := parse(found.Checkpoint, args[2:])
	if err != nil {
		return err
	}
	if len(opened.Sigs) < len(args[2:]) {
		return errors.New("not everybody has signed")
	}
	path := make([][]byte, len(found.Hashes))
	for at := range found.Hashes {
		path[at] = found.Hashes[at][:]
	}
	return proof.VerifyInclusion(hasher, found.Index, signed.Size, hasher.HashLeaf(entry), path, signed.Hash)
}

func checkpoint(path, key string) (*log.Checkpoint, error) {
	written, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found, _, _, err := parse(written, []string{key})
	return found, err
}

func parse(written []byte, keys []string) (*log.Checkpoint, []byte, *note.Note, error) {
	verifier, err := note.NewVerifier(keys[0])
	if err != nil {
		return nil, nil, nil, err
	}
	var witnesses []note.Verifier
	for _, key := range keys[1:] {
		witness, err := fnote.NewVerifierForCosignatureV1(key)
		if err != nil {
			return nil, nil, nil, err
		}
		witnesses = append(witnesses, witness)
	}
	return log.ParseCheckpoint(written, verifier.Name(), verifier, witnesses...)
}

func head(found *log.Checkpoint) tlog.Tree {
	return tlog.Tree{N: int64(found.Size), Hash: tlog.Hash(found.Hash)}
}

func hashes(path string) ([][]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for _, line := range strings.Fields(string(content)) {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, err
		}
		found = append(found, hash)
	}
	return found, nil
}

// tiles reads a folder as https://c2sp.org/tlog-tiles lays it out.
type tiles string

func (tiles) Height() int { return 8 }

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		content, err := os.ReadFile(filepath.Join(string(folder), "tile", fmt.Sprint(tile.L), numbered(tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		found = append(found, bytes.Clone(content))
	}
	return found, nil
}

func numbered(number int64, width int) string {
	path := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		path = fmt.Sprintf("x%03d/%s", number%1000, path)
	}
	if width < 256 {
		path = fmt.Sprintf("%s.p/%d", path, width)
	}
	return path
}
