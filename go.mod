module github.com/dlam-go/dlam

go 1.26
