package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const minSize = 300

// plan says how many mails of how many octets go to addr over how many connections.
type plan struct {
	addr        string
	connections int
	mails       int
	size        int
}

// run sends all mails and returns the time from the first byte of the first to the reply to the last.
func (p plan) run() (time.Duration, error) {
	clients := make([]*client, p.connections)
	for i := range clients {
		opened, err := dial(p.addr)
		if err != nil {
			return 0, err
		}
		defer opened.conn.Close()
		clients[i] = opened
	}
	body := strings.Repeat("A line of text, as long as a line of a mail mostly is, and then it ends.\r\n", p.size/74+1)
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, p.connections)
	begin := time.Now()
	for i, sender := range clients {
		group.Add(1)
		go func(i int, sender *client) {
			defer group.Done()
			for n := next.Add(1); n <= int64(p.mails) && errs[i] == nil; n = next.Add(1) {
				errs[i] = sender.send(n, begin.UnixNano(), body, p.size)
			}
		}(i, sender)
	}
	group.Wait()
	took := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

// client is one connection; it pipelines if the server offers it (RFC 2920).
type client struct {
	conn      net.Conn
	in        *bufio.Reader
	out       *bufio.Writer
	pipelines bool
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReader(conn), out: bufio.NewWriterSize(conn, 64<<10)}
	if err := c.expect("220"); err != nil {
		return nil, err
	}
	c.write("EHLO blast.example.net\r\n")
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(line, "250") {
			return nil, fmt.Errorf("EHLO was answered %q", strings.TrimSpace(line))
		}
		c.pipelines = c.pipelines || strings.TrimSpace(line[4:]) == "PIPELINING"
		if line[3] == ' ' {
			return c, nil
		}
	}
}

// send hands over mail n of run. MAIL, RCPT and DATA go as one group, then the body.
func (c *client) send(n, run int64, body string, size int) error {
	steps := []struct{ command, code string }{
		{"MAIL FROM:<blast@example.net>\r\n", "250"},
		{fmt.Sprintf("RCPT TO:<person-%d@example.com>\r\n", n), "250"},
		{"DATA\r\n", "354"},
	}
	for _, step := range steps {
		c.write(step.command)
		if c.pipelines {
			continue
		}
		if err := c.flushAndExpect(step.code); err != nil {
			return err
		}
	}
	if c.pipelines {
		if err := c.flushAndExpect("250", "250", "354"); err != nil {
			return err
		}
	}
	head := fmt.Sprintf("From: Blast <blast@example.net>\r\nTo: person-%d@example.com\r\nSubject: Mail %d\r\n"+
		"Message-ID: <%d.%d@example.net>\r\n\r\n", n, n, n, run)
	c.write(head)
	c.write(strings.TrimRight(body[:size-len(head)-2], "\r\n"))
	c.write("\r\n.\r\n")
	return c.flushAndExpect("250")
}

func (c *client) write(text string) {
	_, _ = c.out.WriteString(text) // an error stays in the writer and comes back from Flush
}

func (c *client) flushAndExpect(codes ...string) error {
	if err := c.out.Flush(); err != nil {
		return err
	}
	return c.expect(codes...)
}

func (c *client) expect(codes ...string) error {
	for _, code := range codes {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, code) {
			return fmt.Errorf("expected %s, got %q", code, strings.TrimSpace(line))
		}
	}
	return nil
}
