package main

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/alecthomas/kong"
)

//go:embed help/*.md
var topicFiles embed.FS

type helpCmd struct {
	Topic []string `arg:"" optional:"" help:"A topic, or a command; lists the topics unless given."`
}

func (c *helpCmd) Run(e *env, k *kong.Kong) error {
	topics := topics()
	if len(c.Topic) == 0 {
		fmt.Fprintf(e.stdout, "llorch help TOPIC:\n")
		for _, name := range topics {
			fmt.Fprintf(e.stdout, "  %-14s %s\n", name, title(topic(name)))
		}
		fmt.Fprintf(e.stdout, "llorch --help lists the commands, llorch COMMAND --help says what one takes.\n")
		return nil
	}
	if text := topic(strings.Join(c.Topic, "-")); text != "" {
		fmt.Fprint(e.stdout, text)
		return nil
	}
	for _, n := range k.Model.Children {
		if n.Name == c.Topic[0] {
			_, err := k.Parse(append(c.Topic, "--help"))
			return err
		}
	}
	return usageError{fmt.Errorf("no topic and no command is named %s: the topics are %s", strings.Join(c.Topic, " "), strings.Join(topics, ", "))}
}

// topics are the names of the files.
func topics() []string {
	files, err := fs.Glob(topicFiles, "help/*.md")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "help/"), ".md")
	}
	return files
}

// topic is a topic's text, "" for none.
func topic(name string) string {
	b, err := topicFiles.ReadFile("help/" + name + ".md")
	if err != nil {
		return ""
	}
	return string(b)
}

// title is the first line of a text, without its mark.
func title(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(first, "# ")
}
