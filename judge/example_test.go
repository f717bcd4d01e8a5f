package judge_test

import (
	"context"
	"fmt"
	"log"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/recipe"
)

// Judge probabilities of classes, from whatever gave them.
func ExampleClassify() {
	out := mat.FromSlice(4, 2, []float32{0.9, 0.1, 0.4, 0.6, 0.3, 0.7, 0.6, 0.4})
	c := must(judge.Classify(out, []int32{0, 1, 1, 1}, []string{"no", "yes"}, true, nil))
	fmt.Printf("accuracy %g, ROC-AUC %g, recall of yes %.2f, confusion %v\n", c.Accuracy, *c.ROCAUC, c.Classes[1].Recall, c.Confusion)
	// Output:
	// accuracy 0.75, ROC-AUC 1, recall of yes 0.67, confusion [[1 0] [1 2]]
}

// Which columns of a table a model leans on.
func ExamplePermute() {
	table := rows(300) // of colour, size, sold, noise and kind, which follows from the first two
	p := must(recipe.Prepare(recipe.Records(columns, table, dataset.Options{Label: "kind"}), recipe.Options{Threads: 1}))
	run := must(p.Start(context.Background()))
	defer run.Close()
	m := must(run.Train(context.Background()))
	all := must(judge.Permute(context.Background(), m.Model, p.Samples.Test, judge.Permuting{Threads: 1}))
	for _, one := range all.Columns {
		fmt.Println(one.Column, one.Drops[1].Figure, one.Drops[1].Mean > 0.1)
	}
	// Output:
	// colour log_loss true
	// size log_loss true
	// sold log_loss false
	// noise log_loss false
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
