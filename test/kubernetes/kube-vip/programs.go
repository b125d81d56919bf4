//go:build tools

// Package programs names what is compiled here, so that "go mod tidy" keeps the modules.
package programs

import (
	_ "github.com/kube-vip/kube-vip"
)
