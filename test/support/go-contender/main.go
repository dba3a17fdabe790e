// A contender that uses Go's own lock for etcd, concurrency.Mutex: takes the lock again and again, and makes a folder
// while inside, which fails when somebody else is there.
//
// Words: endpoints, name, folder, rounds.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

func main() {
	endpoints, name, folder := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	rounds, err := strconv.Atoi(os.Args[4])
	check(err)
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 10 * time.Second})
	check(err)
	defer client.Close()
	session, err := concurrency.NewSession(client, concurrency.WithTTL(20))
	check(err)
	defer session.Close()
	mutex := concurrency.NewMutex(session, name)
	for range rounds {
		check(mutex.Lock(context.Background()))
		check(os.Mkdir(folder, 0o700))
		time.Sleep(2 * time.Millisecond)
		check(os.Remove(folder))
		check(mutex.Unlock(context.Background()))
	}
	fmt.Println("done")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
