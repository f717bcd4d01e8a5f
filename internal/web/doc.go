// Package web is what the project's HTTP servers share: an orderly end, and the
// guard against other sites' names for this machine.
package web
