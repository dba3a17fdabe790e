// The Go side of the benchmark: locks and bare writes through etcd's own client, driven by the same lines on standard
// input and output as the programs in Node.js (bench/protocol.ts).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// job is what to do, as the one argument: the fields of Job in bench/protocol.ts that matter here.
type job struct {
	Peer         string   `json:"peer"`
	Endpoints    []string `json:"endpoints"`
	Name         string   `json:"name"`
	IsShared     bool     `json:"isShared"`
	Callers      int      `json:"callers"`
	HoldMs       float64  `json:"holdMs"`
	StartDelayMs float64  `json:"startDelayMs"`
	StartStepMs  float64  `json:"startStepMs"`
}

type command struct {
	Kind    string  `json:"kind"`
	AtNs    float64 `json:"atNs"`
	UntilNs float64 `json:"untilNs"`
	Count   int     `json:"count"`
}

// report is one line of the answer.
type report struct {
	Kind    string  `json:"kind"`
	Turns   []int64 `json:"turns,omitempty"`
	Message string  `json:"message,omitempty"`
}

func main() {
	if err := serve(); err != nil {
		say(report{Kind: "failed", Message: err.Error()})
		os.Exit(1)
	}
}

func serve() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("one argument is needed: the job, as JSON")
	}
	var work job
	if err := json.Unmarshal([]byte(os.Args[1]), &work); err != nil {
		return err
	}
	contestant, err := open(work)
	if err != nil {
		return err
	}
	defer contestant.close()
	say(report{Kind: "ready"})
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var told command
		if err := json.Unmarshal(input.Bytes(), &told); err != nil {
			return err
		}
		answer, err := obey(told, work, contestant)
		if err != nil {
			return err
		}
		say(answer)
	}
	return input.Err()
}

func obey(told command, work job, contestant *contestant) (report, error) {
	switch told.Kind {
	case "run":
		turns, err := takeTurns(work, contestant, int64(told.AtNs), int64(told.UntilNs))
		return report{Kind: "turns", Turns: turns}, err
	case "hold":
		return report{Kind: "holding"}, contestant.holdMany(work, told.Count)
	default:
		return report{}, fmt.Errorf("unknown command %q", told.Kind)
	}
}

func say(line report) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// nowNs reads the clock that all processes of the machine share, the one behind process.hrtime() too.
func nowNs() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}
