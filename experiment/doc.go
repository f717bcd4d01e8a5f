// Package experiment runs methods against each other and against the paper.
//
// Comparison trains several methods from one start on the same data and
// threads. Reproduction is the paper's whole evaluation (section 4: Figures 1
// to 3 and Table 2) as cells, each a training run defined by numbers only;
// what is computed is kept and not computed again. What the paper claims is
// checked by what the runs gave, and the report says which claims hold.
package experiment
