//go:build !linux

package main

import (
	"errors"
	"time"
)

var errLinux = errors.New("only on Linux does bench know how to measure the CPU time and memory of another process")

func cpuTime(int) (time.Duration, error)        { return 0, errLinux }
func resident(int) (now, peak int64, err error) { return 0, 0, errLinux }
func resetPeak(int) error                       { return errLinux }
