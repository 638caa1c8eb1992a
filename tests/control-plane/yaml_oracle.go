package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	yamlv2 "gopkg.in/yaml.v2"
	"sigs.k8s.io/yaml"
)

// answer is what Go reads from one text.
type answer struct {
	// OK says whether sigs.k8s.io/yaml, which turns YAML into JSON before it is
	// decoded, read the text; JSON is set if so, Error if not.
	OK    bool            `json:"ok"`
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
	// Strings is the same text read straight into a list of strings.
	Strings stringList `json:"strings"`
}

// stringList is what gopkg.in/yaml.v2 makes of a text as []string. No JSON lies
// between, so an unquoted number keeps the characters it was written with. Both
// fields may be set: an element of another type is an error, the others stay.
type stringList struct {
	Values []string `json:"values"`
	Error  string   `json:"error,omitempty"`
}

// runYAMLOracle reads texts separated by NUL (which YAML does not allow inside a
// text) and writes one line of JSON for each. It returns the exit code.
func runYAMLOracle(in io.Reader, out io.Writer) int {
	if err := answerAll(in, out); err != nil {
		fmt.Fprintln(os.Stderr, "yaml-oracle:", err)
		return 1
	}
	return 0
}

func answerAll(in io.Reader, out io.Writer) error {
	input, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, text := range bytes.Split(input, []byte{0}) {
		if err := encoder.Encode(read(text)); err != nil {
			return err
		}
	}
	return nil
}

func read(text []byte) answer {
	result := answer{Strings: readStrings(text)}
	err := caught(func() (err error) {
		result.JSON, err = yaml.YAMLToJSON(text)
		return err
	})
	result.OK = err == nil
	if err != nil {
		result.JSON, result.Error = nil, err.Error()
	}
	return result
}

func readStrings(text []byte) stringList {
	result := stringList{Values: []string{}}
	err := caught(func() error { return yamlv2.Unmarshal(text, &result.Values) })
	if err != nil {
		result.Error = err.Error()
	}
	if result.Values == nil { // the text is a null
		result.Values = []string{}
	}
	return result
}

// caught makes an error of a panic: the YAML packages have panicked on odd texts
// before, and one of them must not take the answers to all others along.
func caught(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return do()
}
