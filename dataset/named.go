package dataset

import (
	"bytes"
	"context"
	_ "embed" // for the digits
	"os"
	"path/filepath"

	"github.com/dlam-go/dlam/picture"
)

// digitsCSV is the embedded data set: 1,797 rows of 64 pixel values 0 to 16
// (8×8), then the label; see doc.go for its source and licence.
//
//go:embed digits.csv.gz
var digitsCSV []byte

// digitsTrain is the customary split: the first 1,437 rows train.
const digitsTrain = 1437

func digits(ctx context.Context, o Options) (Split, error) {
	in := &input{path: "digits", size: -1, r: bytes.NewReader(digitsCSV)}
	whole := Options{NoHeader: true}
	t, err := textTable(ctx, in, []string{in.path}, whole, nil)
	if err == nil {
		t.asIs = true
	}
	d, err := t.dataset(whole, err)
	if err != nil {
		return Split{}, err
	}
	d.Image = picture.Image{Height: 8, Width: 8, Channels: 1, Max: 16}
	s := Split{Train: o.share(d.RowRange(0, digitsTrain))}
	o.Limit = 0
	s.Test = o.share(d.RowRange(digitsTrain, d.Rows()))
	return s, nil
}

// remote is a public data set in four files.
type remote struct {
	mirrors []string
	classes []string
	sums    [4]string // SHA-256 of the decompressed content of the files below
}

var remoteFiles = [4]string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
	"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

func remotes() map[string]remote {
	return map[string]remote{
		"mnist": {
			mirrors: []string{
				"https://ossci-datasets.s3.amazonaws.com/mnist/",
				"https://storage.googleapis.com/cvdf-datasets/mnist/",
			},
			sums: [4]string{
				"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
				"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
				"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
				"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
			},
		},
		"fashion-mnist": {
			mirrors: []string{
				"https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
				"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
			},
			classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
			sums: [4]string{
				"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
				"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
				"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
				"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
			},
		},
	}
}

// named opens a public data set, downloading what is nowhere on disk.
func named(ctx context.Context, name string, o Options) (Split, error) {
	set := remotes()[name]
	if err := o.inTurn(o.ranks().Rank() > 0); err != nil {
		return Split{}, err
	}
	var paths [4]string
	for i, file := range remoteFiles {
		path, ok := Find(name, file, o)
		if !ok {
			var err error
			if path, err = download(ctx, name, set, i, o); err != nil {
				return Split{}, err
			}
		}
		paths[i] = path
	}
	if err := o.inTurn(o.ranks().Rank() == 0); err != nil {
		return Split{}, err
	}
	var s Split
	for i, d := range []*Dataset{&s.Train, &s.Test} {
		var err error
		o.Classes = nil
		if i == 1 {
			o.Limit = 0
		}
		if *d, err = readFile(ctx, paths[2*i], o); err != nil {
			return Split{}, err
		}
		d.Name = name
		if set.classes != nil && len(d.Classes) == len(set.classes) {
			d.Classes = set.classes
		}
	}
	return s, nil
}

// Find is where a file of a named set lies on disk, compressed or not.
func Find(name, file string, o Options) (string, bool) {
	for _, root := range []string{o.DataDir, cacheDir(o)} {
		if root == "" {
			continue
		}
		for _, suffix := range []string{".gz", ""} {
			path := filepath.Join(root, name, file+suffix)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, true
			}
		}
	}
	return "", false
}

// Located is the folder in which a named set lies complete, "" if nowhere.
func Located(name string, o Options) string {
	dir := ""
	for _, file := range remoteFiles {
		path, ok := Find(name, file, o)
		if !ok {
			return ""
		}
		dir = filepath.Dir(path)
	}
	return dir
}

// cacheDir is where downloads are kept, "" if the user has no such place.
func cacheDir(o Options) string {
	if o.CacheDir != "" {
		return o.CacheDir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "dlam")
}
