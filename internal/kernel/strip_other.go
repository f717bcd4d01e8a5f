//go:build purego || !(amd64 || arm64)

package kernel

func panelWidth() int { return 32 }

func tileHeight() int { return heightGo }

func tilePitch() int { return heightGo }

func (s *strip) run() { s.runGo() }
