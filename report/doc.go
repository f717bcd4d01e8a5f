// Package report makes runs visible: a trace becomes curves and tables, and
// these become one self-contained HTML page, SVG and PNG files, CSV, and
// TensorBoard event files.
//
// There is one description of a picture, Chart, and one layout of it; SVG, PNG
// and the interactive page are three ways to write that layout down. A page
// needs nothing from a network and says so in its content security policy.
// Live serves the page of a run that is still going on.
package report
