// Package report makes runs visible: a trace becomes curves and tables, and
// these become one self-contained HTML page, SVG and PNG files, CSV, and
// TensorBoard event files.
//
// There is one description of a picture, Chart. SVG and PNG files are two ways to write
// down one layout of it; a page has its data, and draws it as wide as its window is and
// as its reader asks. A page needs nothing from a network and says so in its content
// security policy. Live serves the page of a run that is still going on, Folder those of
// all runs in a folder.
package report
