//go:build purego || !(amd64 || arm64)

package kernel

func panelWidth() int { return 32 }

func lanes() int { return 0 }

func inQuads(int) int { return 0 }

func tileHeight() int { return heightGo }

func tilePitch() int { return heightGo }

func (s *strip) run() { s.runGo() }

func packColumns(dst []float32, row, panel int, src []float32, stride, k, n, width int) {
	packColumnsGo(dst, row, panel, src, stride, k, n, width)
}

func packRows(dst, s []float32, stride, w, k int) { packRowsGo(dst, s, stride, w, k, panelWidth()) }
