// Package ext stands in for the module that Traefik keeps beside its own and does not publish: its two types, without fields.
package ext

// HTTP is embedded in the dynamic HTTP configuration.
type HTTP struct{}

// Router is embedded in a router.
type Router struct{}
