// A contender that uses etcd's own client: concurrency.Mutex or concurrency.Election. Words: lock or elect, endpoints,
// name, TTL. It says "ready", and then does what it is told by lines, numbered by turns: "enter 1" gives "held 1 TOKEN"
// when its turn has come, and "leave 1" gives "left 1". When its session is lost it says "lost", and ends.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// contest is what a contender takes part in. enter returns its fencing token.
type contest interface {
	enter() (int64, error)
	leave() error
}

func main() {
	kind, endpoints, name := os.Args[1], strings.Split(os.Args[2], ","), os.Args[3]
	ttl, err := strconv.Atoi(os.Args[4])
	check(err)
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 30 * time.Second})
	check(err)
	session, err := concurrency.NewSession(client, concurrency.WithTTL(ttl))
	check(err)
	var isOver atomic.Bool
	go func() {
		<-session.Done()
		if !isOver.Load() {
			fmt.Println("lost")
			os.Exit(2)
		}
	}()
	takePart(choose(kind, session, name))
	isOver.Store(true)
	check(session.Close())
	check(client.Close())
}

func choose(kind string, session *concurrency.Session, name string) contest {
	if kind == "elect" {
		return election{concurrency.NewElection(session, name)}
	}
	return mutex{concurrency.NewMutex(session, name)}
}

func takePart(contest contest) {
	fmt.Println("ready")
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		command, turn, _ := strings.Cut(input.Text(), " ")
		if command == "enter" {
			token, err := contest.enter()
			check(err)
			fmt.Println("held", turn, token)
		} else {
			check(contest.leave())
			fmt.Println("left", turn)
		}
	}
}

type mutex struct{ *concurrency.Mutex }

func (mutex mutex) enter() (int64, error) {
	if err := mutex.Lock(context.Background()); err != nil {
		return 0, err
	}
	return mutex.Header().Revision, nil
}

func (mutex mutex) leave() error {
	return mutex.Unlock(context.Background())
}

type election struct{ *concurrency.Election }

// enter takes the token from a read after the election was won: Header is that of the answer to entering.
func (election election) enter() (int64, error) {
	if err := election.Campaign(context.Background(), "Go"); err != nil {
		return 0, err
	}
	leader, err := election.Leader(context.Background())
	if err != nil {
		return 0, err
	}
	return leader.Header.Revision, nil
}

func (election election) leave() error {
	return election.Resign(context.Background())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
