//go:build tools

// Package programs names what is compiled here, so that "go mod tidy" keeps the modules.
package programs

import (
	_ "go.etcd.io/etcd/etcdctl/v3"
	_ "go.etcd.io/etcd/etcdutl/v3"
	_ "go.etcd.io/etcd/server/v3"
)
