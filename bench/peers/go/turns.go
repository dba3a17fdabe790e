package main

import (
	"context"
	"sync"
	"time"
)

// takeTurns has every caller take and give back its lock, again and again, from atNs until untilNs. It returns five
// numbers a turn: when it was asked for, when it started, when the release was called and when it was done, in
// nanoseconds after atNs, and the fencing token.
func takeTurns(work job, contestant *contestant, atNs, untilNs int64) ([]int64, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if work.IsShared {
		// No deadline of the context, which would travel along, and have etcd end the request a moment before us.
		defer time.AfterFunc(time.Duration(untilNs-nowNs()), cancel).Stop()
	}
	perCaller := make([][]int64, work.Callers)
	errs := make([]error, work.Callers)
	var group sync.WaitGroup
	for caller := range work.Callers {
		group.Add(1)
		go func() {
			defer group.Done()
			firstNs := atNs + int64((work.StartDelayMs+float64(caller)*work.StartStepMs)*1e6)
			sleepUntil(firstNs)
			perCaller[caller], errs[caller] = turnsOf(ctx, work, contestant.lockers[caller], atNs, untilNs)
		}()
	}
	group.Wait()
	var turns []int64
	for caller, own := range perCaller {
		if errs[caller] != nil {
			return nil, errs[caller]
		}
		turns = append(turns, own...)
	}
	return turns, nil
}

// turnsOf takes the turns of one caller. Who waits for others is told to stop at the end, and leaves the line.
func turnsOf(ctx context.Context, work job, lock locker, atNs, untilNs int64) ([]int64, error) {
	var turns []int64
	for nowNs() < untilNs {
		askedNs := nowNs()
		token, err := lock.take(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return turns, nil
			}
			return nil, err
		}
		startedNs := nowNs()
		if work.HoldMs > 0 {
			time.Sleep(time.Duration(work.HoldMs * 1e6))
		}
		releasingNs := nowNs()
		if err := lock.giveBack(context.Background()); err != nil {
			return nil, err
		}
		turns = append(turns, askedNs-atNs, startedNs-atNs, releasingNs-atNs, nowNs()-atNs, token)
	}
	return turns, nil
}

func sleepUntil(ns int64) {
	time.Sleep(time.Duration(ns - nowNs()))
}
