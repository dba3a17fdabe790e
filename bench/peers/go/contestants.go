package main

import (
	"context"
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

// locker is what one caller uses, over and over.
type locker interface {
	take(ctx context.Context) (token int64, err error)
	giveBack(ctx context.Context) error
}

// contestant is one program under measurement: a connection, and a locker for each caller.
type contestant struct {
	client  *clientv3.Client
	session *concurrency.Session
	lockers []locker
}

func (c *contestant) close() { _ = c.client.Close() }

// open connects, and takes and gives back once what nobody else wants.
func open(work job) (*contestant, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: work.Endpoints, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	opened := &contestant{client: client}
	for caller := range work.Callers {
		lock, err := opened.open(work, caller)
		if err != nil {
			return opened, err
		}
		opened.lockers = append(opened.lockers, lock)
	}
	work.Name, work.IsShared = fmt.Sprintf("%s-warm-up/%d", work.Name, os.Getpid()), false
	idle, err := opened.open(work, 0)
	if err != nil {
		return opened, err
	}
	if _, err := idle.take(context.Background()); err != nil {
		return opened, err
	}
	return opened, idle.giveBack(context.Background())
}

// holdMany takes many locks, and keeps them.
func (c *contestant) holdMany(work job, count int) error {
	for caller := range count {
		lock, err := c.open(work, caller)
		if err != nil {
			return err
		}
		if _, err := lock.take(context.Background()); err != nil {
			return err
		}
		c.lockers = append(c.lockers, lock)
	}
	return nil
}

func (c *contestant) open(work job, caller int) (locker, error) {
	switch work.Peer {
	case "go-mutex":
		// Contenders of one session would all be the same owner.
		if c.session == nil || work.IsShared {
			session, err := concurrency.NewSession(c.client)
			if err != nil {
				return nil, err
			}
			c.session = session
		}
		return &mutex{concurrency.NewMutex(c.session, work.nameOf(caller))}, nil
	case "go-put-delete":
		return bareWrites{c.client, work.nameOf(caller)}, nil
	default:
		return nil, fmt.Errorf("unknown peer %q", work.Peer)
	}
}

func (work job) nameOf(caller int) string {
	if work.IsShared {
		return work.Name
	}
	return fmt.Sprintf("%s/%d", work.Name, caller)
}

// mutex is etcd's own lock.
type mutex struct{ *concurrency.Mutex }

func (m *mutex) take(ctx context.Context) (int64, error) {
	if err := m.Lock(ctx); err != nil {
		return 0, err
	}
	return m.Header().Revision, nil
}

func (m *mutex) giveBack(ctx context.Context) error { return m.Unlock(ctx) }

// bareWrites is the floor: what any lock on etcd must write at least.
type bareWrites struct {
	client *clientv3.Client
	key    string
}

func (b bareWrites) take(ctx context.Context) (int64, error) {
	_, err := b.client.Put(ctx, b.key, "")
	return 0, err
}

func (b bareWrites) giveBack(ctx context.Context) error {
	_, err := b.client.Delete(ctx, b.key)
	return err
}
