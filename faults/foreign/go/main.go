// A contender that uses Go's own lock for etcd, concurrency.Mutex: takes locks again and again, and writes down what it
// believes, as our own do. It ends when its standard input does.
//
// Words: endpoints, names, TTL in seconds, its name in the history, the file for its history;
// and, if etcd wants to know, user and password.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const clockMonotonic = 1

var (
	history *os.File
	who     string
	ttl     int
)

func main() {
	endpoints, names := strings.Split(os.Args[1], ","), strings.Split(os.Args[2], ",")
	var err error
	ttl, err = strconv.Atoi(os.Args[3])
	check(err)
	who = os.Args[4]
	history, err = os.OpenFile(os.Args[5], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	config := clientv3.Config{Endpoints: endpoints, DialTimeout: 10 * time.Second}
	if len(os.Args) > 7 {
		config.Username, config.Password = os.Args[6], os.Args[7]
	}
	client, err := clientv3.New(config)
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	var isOver atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		isOver.Store(true)
		cancel()
	}()
	for number := 1; !isOver.Load(); number++ {
		attempt := fmt.Sprintf("%s/%d", who, number)
		name := names[rand.Intn(len(names))]
		if err := takeTurn(ctx, client, attempt, name); err != nil {
			write("ended", attempt, "", map[string]any{"reason": err.Error()})
			time.Sleep(200 * time.Millisecond)
		}
	}
}

func takeTurn(ctx context.Context, client *clientv3.Client, attempt, name string) error {
	write("requested", attempt, "", map[string]any{"who": who, "names": []string{name}, "family": "foreign"})
	session, err := concurrency.NewSession(client, concurrency.WithTTL(ttl), concurrency.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		session.Orphan()
		client.Revoke(limited, session.Lease())
	}()
	mutex := concurrency.NewMutex(session, name)
	if err := mutex.Lock(ctx); err != nil {
		return err
	}
	write("entered", attempt, name, map[string]any{
		"token": strconv.FormatInt(mutex.Header().Revision, 10), "limit": 1, "key": mutex.Key(), "ttlSeconds": ttl,
	})
	stay := time.After(time.Duration(5+rand.Intn(100)) * time.Millisecond)
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for isInside := true; isInside; {
		at := now()
		select {
		case <-session.Done():
			write("lost", attempt, name, map[string]any{"reason": "session-done"})
			isInside = false
		case <-stay:
			isInside = false
		case <-ticks.C:
			writeAt(at, "believed", attempt, name, nil)
		}
	}
	write("left", attempt, name, nil)
	limited, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := mutex.Unlock(limited); err != nil {
		return err
	}
	write("ended", attempt, "", map[string]any{"reason": "done"})
	return nil
}

func write(kind, attempt, name string, more map[string]any) {
	writeAt(now(), kind, attempt, name, more)
}

func writeAt(at float64, kind, attempt, name string, more map[string]any) {
	event := map[string]any{"at": at, "kind": kind, "attempt": attempt}
	if name != "" {
		event["name"] = name
	}
	for key, value := range more {
		event[key] = value
	}
	line, err := json.Marshal(event)
	check(err)
	_, err = history.Write(append(line, '\n'))
	check(err)
}

// CLOCK_MONOTONIC in milliseconds: the same in all processes of this machine.
func now() float64 {
	var spec syscall.Timespec
	_, _, failure := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&spec)), 0)
	if failure != 0 {
		log.Fatal(failure)
	}
	return float64(spec.Sec)*1e3 + float64(spec.Nsec)/1e6
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
