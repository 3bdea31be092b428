package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// ledger counts accepted mails by Message-ID. Mails without one count under the empty string.
type ledger struct {
	mu       sync.Mutex
	accepted int
	times    map[string]int
	firstAt  time.Time
	lastAt   time.Time
}

func newLedger() *ledger {
	return &ledger{times: make(map[string]int)}
}

func (l *ledger) accept(messageID []byte) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepted == 0 {
		l.firstAt = now
	}
	l.lastAt = now
	l.accepted++
	l.times[string(messageID)]++
}

func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = 0
	l.times = make(map[string]int)
	l.firstAt, l.lastAt = time.Time{}, time.Time{}
}

// counts is the answer of /counts; times are RFC 3339 and null before the first mail.
type counts struct {
	Accepted   int        `json:"accepted"`
	Distinct   int        `json:"distinct"`
	Duplicates int        `json:"duplicates"`
	FirstAt    *time.Time `json:"first_at"`
	LastAt     *time.Time `json:"last_at"`
}

func (l *ledger) counts() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer := counts{Accepted: l.accepted, Distinct: len(l.times), Duplicates: l.accepted - len(l.times)}
	if l.accepted > 0 {
		first, last := l.firstAt, l.lastAt
		answer.FirstAt, answer.LastAt = &first, &last
	}
	return answer
}

func (l *ledger) copyOfTimes() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := make(map[string]int, len(l.times))
	for messageID, n := range l.times {
		times[messageID] = n
	}
	return times
}

// handler answers GET /counts and /ledger, and GET or POST /reset.
func (l *ledger) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/counts", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.counts()) })
	mux.HandleFunc("/ledger", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.copyOfTimes()) })
	mux.HandleFunc("/reset", func(w http.ResponseWriter, _ *http.Request) {
		l.reset()
		answer(w, l.counts())
	})
	return mux
}

func answer(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}
