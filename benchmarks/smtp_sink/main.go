// Command smtp_sink is an SMTP server for benchmarks that takes every mail, counts it and forgets its text,
// and a client that shows how much such a server takes per second.
//
//	smtp_sink serve -addr 127.0.0.1:0 -delay 20ms
//	smtp_sink blast -addr 127.0.0.1:2525 -connections 20 -mails 100000 -size 3500
//
// serve prints one JSON line, {"addr": …, "http_addr": …}, as soon as both ports listen; blast prints its figures.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

const usage = "usage: smtp_sink serve|blast [flags]; smtp_sink serve -h and smtp_sink blast -h list them"

func main() {
	if len(os.Args) < 2 {
		fail(2, usage)
	}
	switch os.Args[1] {
	case "serve":
		runServe(os.Args[2:])
	case "blast":
		runBlast(os.Args[2:])
	default:
		fail(2, usage)
	}
}

func runServe(arguments []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:0", "where to listen for SMTP")
	httpAddr := flags.String("http-addr", "127.0.0.1:0", "where to answer /counts, /ledger and /reset")
	delay := flags.Duration("delay", 0, "wait before the reply to the final dot; the mail is counted before it")
	_ = flags.Parse(arguments)
	if err := serve(*addr, *httpAddr, *delay); err != nil {
		fail(1, err.Error())
	}
}

func runBlast(arguments []string) {
	flags := flag.NewFlagSet("blast", flag.ExitOnError)
	plan := plan{}
	flags.StringVar(&plan.addr, "addr", "", "the SMTP server")
	flags.IntVar(&plan.connections, "connections", 20, "connections at the same time")
	flags.IntVar(&plan.mails, "mails", 100_000, "mails in all")
	flags.IntVar(&plan.size, "size", 3500, "octets per mail, headers included")
	_ = flags.Parse(arguments)
	if plan.addr == "" || plan.connections < 1 || plan.mails < 1 || plan.size < minSize {
		fail(2, fmt.Sprintf("-addr is needed; -connections and -mails from 1; -size from %d", minSize))
	}
	seconds, err := plan.run()
	if err != nil {
		fail(1, err.Error())
	}
	printJSON(map[string]any{
		"mails_per_second": int(float64(plan.mails) / seconds.Seconds()),
		"mails":            plan.mails,
		"seconds":          seconds.Round(time.Millisecond).Seconds(),
		"connections":      plan.connections,
		"size":             plan.size,
	})
}

func printJSON(document any) {
	if err := json.NewEncoder(os.Stdout).Encode(document); err != nil {
		fail(1, err.Error())
	}
}

func fail(code int, line string) {
	fmt.Fprintln(os.Stderr, line)
	os.Exit(code)
}
