package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"
)

const maxMailBytes = 10 << 20

var (
	errMailTooLarge = errors.New("mail is larger than SIZE")
	messageIDHeader = []byte("message-id:")
)

// serve takes mails on addr and answers questions about them on httpAddr until the process is ended.
func serve(addr, httpAddr string, delay time.Duration) error {
	mails, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	questions, err := net.Listen("tcp", httpAddr)
	if err != nil {
		return err
	}
	counted := newLedger()
	printJSON(map[string]string{"addr": mails.Addr().String(), "http_addr": questions.Addr().String()})
	server := &http.Server{Handler: counted.handler(), ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(questions) }()
	go func() { failed <- acceptAll(mails, counted, delay) }()
	return <-failed
}

func acceptAll(listener net.Listener, counted *ledger, delay time.Duration) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			newSession(conn, counted, delay).run()
		}()
	}
}

// session is one SMTP dialogue. Replies are flushed when the client has nothing more on the way to be read,
// which is what makes pipelining cheap: one write answers a whole group of commands.
type session struct {
	in         *bufio.Reader
	out        *bufio.Writer
	counted    *ledger
	delay      time.Duration
	hasSender  bool
	recipients int
}

func newSession(conn net.Conn, counted *ledger, delay time.Duration) *session {
	return &session{
		in:      bufio.NewReaderSize(conn, 64<<10),
		out:     bufio.NewWriterSize(conn, 4<<10),
		counted: counted,
		delay:   delay,
	}
}

func (s *session) run() {
	s.reply("220 sink.example.net ESMTP")
	for {
		if s.in.Buffered() == 0 && s.out.Flush() != nil {
			return
		}
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return
		}
		if s.command(line) != nil {
			_ = s.out.Flush()
			return
		}
	}
}

func (s *session) reply(line string) {
	_, _ = s.out.WriteString(line)
	_, _ = s.out.WriteString("\r\n")
}

var errQuit = errors.New("quit")

// command answers one command line; an error ends the session.
func (s *session) command(line []byte) error {
	verb, _, _ := strings.Cut(string(bytes.TrimRight(line, "\r\n")), " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		s.begin(false)
		s.reply("250-sink.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760")
	case "HELO":
		s.begin(false)
		s.reply("250 sink.example.net")
	case "MAIL":
		s.mail()
	case "RCPT":
		s.rcpt()
	case "DATA":
		return s.data()
	case "RSET":
		s.begin(false)
		s.reply("250 2.0.0 OK")
	case "NOOP":
		s.reply("250 2.0.0 OK")
	case "QUIT":
		s.reply("221 2.0.0 Bye")
		return errQuit
	default:
		s.reply("500 5.5.1 Unknown command")
	}
	return nil
}

func (s *session) begin(hasSender bool) {
	s.hasSender, s.recipients = hasSender, 0
}

func (s *session) mail() {
	if s.hasSender {
		s.reply("503 5.5.1 Nested MAIL")
		return
	}
	s.begin(true)
	s.reply("250 2.1.0 Sender OK")
}

func (s *session) rcpt() {
	if !s.hasSender {
		s.reply("503 5.5.1 Send MAIL first")
		return
	}
	s.recipients++
	s.reply("250 2.1.5 Recipient OK")
}

func (s *session) data() error {
	if s.recipients == 0 {
		s.reply("503 5.5.1 Send RCPT first")
		return nil
	}
	s.reply("354 End data with <CR><LF>.<CR><LF>")
	if err := s.out.Flush(); err != nil {
		return err
	}
	messageID, err := s.readBody()
	s.begin(false)
	if errors.Is(err, errMailTooLarge) {
		s.reply("552 5.3.4 Mail is larger than SIZE")
		return nil
	}
	if err != nil {
		return err
	}
	s.counted.accept(messageID)
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	s.reply("250 2.0.0 Accepted")
	return nil
}

// readBody reads up to the final dot and returns the Message-ID, angle brackets included, empty if there is none.
func (s *session) readBody() ([]byte, error) {
	var messageID []byte
	size := 0
	inHeaders, atLineStart, awaitsID := true, true, false
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		size += len(line)
		if atLineStart {
			if len(line) == 3 && line[0] == '.' && line[1] == '\r' {
				break
			}
			if inHeaders {
				inHeaders = len(line) > 2
				messageID, awaitsID = messageIDFrom(line, messageID, awaitsID)
			}
		}
		atLineStart = err == nil
	}
	if size > maxMailBytes {
		return nil, errMailTooLarge
	}
	return messageID, nil
}

// messageIDFrom looks at one header line. A long Message-ID may stand on the line after its name (RFC 5322 2.2.3).
func messageIDFrom(line, known []byte, awaited bool) (messageID []byte, awaits bool) {
	if awaited && (line[0] == ' ' || line[0] == '\t') {
		return append(known, bytes.TrimSpace(line)...), false
	}
	if len(known) > 0 || len(line) < len(messageIDHeader) || !bytes.EqualFold(line[:len(messageIDHeader)], messageIDHeader) {
		return known, false
	}
	messageID = append([]byte(nil), bytes.TrimSpace(line[len(messageIDHeader):])...)
	return messageID, len(messageID) == 0
}
