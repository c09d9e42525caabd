package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// Long enough for any secret that lies across two pieces.
const overlap = 4096

// look searches standard input for the secret of this attempt.
func look([]string) error {
	seen := map[string]bool{}
	buffer := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(os.Stdin, buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		for _, proof := range recognise(buffer) {
			if !seen[proof] {
				fmt.Println("STOLEN", proof)
			}
			seen[proof] = true
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kept := copy(buffer, buffer[max(0, len(buffer)-overlap):])
		buffer = buffer[:kept]
	}
}

// recognise finds the secret in a text. PATTERN says what it looks like and FINGERPRINT which one it is; neither gives it away, and
// only who has it can make the proof. With the fingerprint `any`, whatever looks like it counts.
func recognise(text []byte) (proofs []string) {
	pattern := regexp.MustCompile(os.Getenv("PATTERN"))
	fingerprint := os.Getenv("FINGERPRINT")
	seen := map[string]bool{}
	// What precedes the secret by chance may look like a part of it: every match counts, also those that overlap.
	for at := 0; ; at++ {
		found := pattern.FindIndex(text[at:])
		if found == nil {
			return proofs
		}
		secret := string(text[at+found[0] : at+found[1]])
		at += found[0]
		if seen[secret] {
			continue
		}
		if fingerprint == "any" || digest("recognise", secret) == fingerprint {
			proofs = append(proofs, digest("stolen", secret))
		}
		seen[secret] = true
	}
}

func digest(purpose, text string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(purpose+":"+text)))
}
