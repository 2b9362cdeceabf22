// Records what Go makes of each template on standard input, one a line, with no data:
//
//	go run record.go < templates > go.jsonl
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
)

type record struct {
	T   string `json:"t"`
	OK  bool   `json:"ok"`
	Out string `json:"out"`
}

func list(items ...any) []any { return items }

func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		source := lines.Text()
		set := template.New("gotpl").Option("missingkey=zero")
		set.Funcs(template.FuncMap{"list": list, "dict": dict})
		var text bytes.Buffer
		_, err := set.New("t").Parse(source)
		if err == nil {
			err = set.ExecuteTemplate(&text, "t", nil)
		}
		if err != nil {
			out.Encode(record{source, false, err.Error()})
		} else {
			out.Encode(record{source, true, text.String()})
		}
	}
}
