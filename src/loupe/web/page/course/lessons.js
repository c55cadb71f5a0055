// Written by tools/gather_course.py from docs/course; edit those.
// prettier-ignore
export const LESSONS = [
  {
    name: "01-pixels",
    title: "An image is numbers",
    question: "How many numbers is one digit to a network, and what does normalisation make of a black and of a white pixel?",
    code: [
      {
        language: "bash",
        text: "loupe data digits"
      }
    ],
    look: [
      {
        address: "#/playground",
        words: "an image, and the numbers in it."
      },
      {
        words: "The data card that the command names: shapes, channels, mean and standard deviation of the pixels."
      }
    ],
    answer: "64 numbers: 1 channel of 8 × 8 pixels, each from 0 to 255. Normalisation gives (pixel / 255 − mean) / std, with mean and std measured on the *training* images. Black becomes −mean / std and white (1 − mean) / std: about −0.8 and 1.8 here. It does not bring pixels into [−1, 1]; its point is that numbers have mean 0 and spread 1 over the training set."
  },
  {
    name: "02-first-network",
    title: "A first network",
    question: "The command ends with two accuracies. Which one do you report, and why?",
    code: [
      {
        language: "bash",
        text: "loupe train digits name=first\nloupe ask first"
      }
    ],
    look: [
      {
        address: "#/runs",
        words: "the run while it trains; its curves grow epoch by epoch, loss falling and accuracy rising."
      },
      {
        address: "#/run/first",
        words: "what this run says, its curves, its recipe."
      }
    ],
    answer: "The test accuracy, with its interval. Validation images chose the epoch whose weights are kept, so their number is a little too good. Test images had no say in anything, and are opened once. With 360 of them the interval is some two points wide, most of them below the accuracy: a difference of half a point between two such runs says nothing."
  },
  {
    name: "03-convolution",
    title: "A kernel slides",
    question: "The first layer has 5 × 5 kernels, yet its maps are as large as the image. Why? How many parameters has it?",
    code: [
      {
        language: "bash",
        text: "loupe show digits --draw network.svg\nloupe inspect first --number conv1,0,3,3"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0&lesson=convolution",
        words: "the kernel slides, one step at a time."
      },
      {
        address: "#/inside/first?image=validation-0&lesson=stride",
        words: "stride and padding with sliders."
      },
      {
        address: "#/inside/first?image=validation-0&layer=conv1&at=0.3.3",
        words: "one number taken apart; cells of padding are hatched."
      }
    ],
    answer: "It has padding 2: (8 + 2·2 − 5)/1 + 1 = 8: (N + 2·P − F)/S + 1, of N rows, padding P, a kernel of F rows, stride S. One number of the map is a neuron: each of its inputs times a weight, added up with a bias, then ReLU. Each of 12 kernels has 5·5·1 weights and a bias: 5·5·1·12 + 12 = 312. With stride 2 the maps would be ⌊(8 + 2·2 − 5)/2⌋ + 1 = 4 wide, without padding 4. The same 312 numbers are used at all 64 places: that is what a convolution saves against a dense layer."
  },
  {
    name: "04-relu-and-pooling",
    title: "What is thrown away: ReLU and pooling",
    question: "What does ReLU throw away, what does pooling, and why does the network get better by it?",
    code: [
      {
        language: "bash",
        text: "loupe figures first --theory --format png --dpi 80 --out theory"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0&lesson=relu",
        words: "a map before and after ReLU."
      },
      {
        address: "#/inside/first?image=validation-0&lesson=pooling",
        words: "max, average and global pooling beside flatten."
      },
      {
        words: "`theory/captions.md`: the figures of a chapter on theory, a neuron first, drawn from your own network."
      }
    ],
    answer: "ReLU makes every negative number 0: \"this filter is not here\" has no degrees. Without it two layers in a row would be one linear layer, however many there are. Max pooling keeps the largest of four numbers and forgets where in the window it was: the network is less disturbed by a shift of a pixel, and later layers have a quarter of the work. An average keeps all four, and blurs."
  },
  {
    name: "05-from-maps-to-classes",
    title: "From maps to classes",
    question: "Which layer holds most of the parameters? Which does most of the work? What turns ten numbers into probabilities?",
    code: [
      {
        language: "bash",
        text: "loupe table first --only layers"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0",
        words: "the network as one picture, from pixels to probabilities; choose a station."
      },
      {
        address: "#/inside/first?image=validation-0&lesson=softmax",
        words: "exp, sum, share."
      }
    ],
    answer: "conv4 holds 38,448 of 81,466 parameters, 5·5·32·48 + 48, and does 614,400 of 1,417,760 multiply-adds. conv2 has a fifth of its parameters and three quarters of its work, because its kernels lie at 64 places and not at 16. Flatten lays 48 × 2 × 2 numbers in a row; a dense layer weighs all of them for each class, and softmax makes the ten sums positive and lets them add up to 1."
  },
  {
    name: "06-filters-and-maps",
    title: "What early and late layers see",
    question: "How do the maps of the first layer differ from those of the last?",
    code: [
      {
        language: "bash",
        text: "loupe inspect first --class 3 --layer relu1 --layer relu4"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0&layer=relu1",
        words: "maps of the first layer, and its filters."
      },
      {
        address: "#/inside/first?image=validation-0&layer=relu4",
        words: "maps of the last."
      },
      {
        address: "#/run/first",
        words: "in the report, sparsity and selectivity of each layer, and how many pixels one number sees."
      }
    ],
    answer: "Early maps keep the shape of the image: strokes and edges in a few directions, wherever they are. Late maps are small and hold few large numbers; one of their numbers sees most of the image, and stands for a part of a digit rather than a stroke. The report measures it: later layers are sparser, and react to fewer classes."
  },
  {
    name: "07-loss-and-descent",
    title: "One step of gradient descent",
    question: "Before it has learned anything, what loss does a network of ten classes have? What does a learning rate that is far too small do?",
    code: [
      {
        language: "bash",
        text: "loupe train digits name=timid train.epochs=2 train.optimizer.learning_rate=0.00001 evaluate.look_inside=false"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0&lesson=cross-entropy",
        words: "the loss of one answer."
      },
      {
        address: "#/inside/first?image=validation-0&lesson=gradient-descent",
        words: "one step, and what it does to the loss."
      },
      {
        address: "#/run/timid",
        words: "its curves."
      }
    ],
    answer: "About ln 10 = 2.30: it gives every class a tenth, and the loss is −ln of the share of the right one. With steps a thousandth as large, two epochs leave it nearly there, and accuracy near one in ten. Nothing is wrong with the network; it has hardly moved."
  },
  {
    name: "08-overfitting",
    title: "Learning by heart",
    question: "With few training images, which curve says that the network learns them by heart?",
    code: [
      {
        language: "bash",
        text: "loupe train digits name=few data.fraction=0.05 data.augment=[] train.label_smoothing=0 train.batch_size=16 \\\n  train.epochs=60 evaluate.look_inside=false\nloupe ask few"
      }
    ],
    look: [
      {
        address: "#/compare?run=first&run=few",
        words: "both runs side by side."
      },
      {
        address: "#/run/few",
        words: "the gap of training and validation."
      }
    ],
    answer: "Training loss goes to zero while validation loss stays far above it, and rises again: it is lowest in the first half of the 60 epochs. (With 62 images a batch of 64 would be one step an epoch, and twenty of them too few to learn anything.) The gap is measured on clean images in evaluation mode on both sides: accuracy *while* training, under augmentation and dropout, is another quantity, and must not be subtracted. More images, augmentation, dropout and an earlier end make the gap smaller."
  },
  {
    name: "09-augmentation",
    title: "More images for nothing",
    question: "The recipe shifts every image by up to a pixel. May one mirror digits too? Where does augmentation have no business?",
    code: [
      {
        language: "bash",
        text: "loupe train digits name=plain data.augment=[] train.epochs=8 evaluate.look_inside=false\nloupe compare first plain"
      }
    ],
    look: [
      {
        address: "#/inside/first?image=validation-0&lesson=augmentation",
        words: "draws of the recipe's augmentation."
      },
      {
        address: "#/inside/first?image=validation-0&lesson=mixup",
        words: "two images blended, and what the network says."
      }
    ],
    answer: "A shifted 3 is a 3; a mirrored one is no digit. Only what leaves the class as it is may be done. Validation and test images are never augmented: their accuracy would be that of other, harder images. Two runs differ in two things here, augmentation and epochs: `compare` lists both, and no conclusion on augmentation follows until one of them is held fixed."
  },
  {
    name: "10-shortcuts-and-experts",
    title: "Shortcuts and experts",
    question: "Where does a residual network's shortcut begin and where does it join? When does it need a convolution? What does the gate of an expert block give?",
    code: [
      {
        language: "bash",
        text: "loupe train digits name=residual model=resnet model.depth=20 train.epochs=1 data.fraction=0.2 evaluate.look_inside=false\nloupe train digits name=experts model=expert-net model.blocks=2 model.experts=3 model.width=16 train.epochs=1 data.fraction=0.2 evaluate.look_inside=false\nloupe show digits model=resnet model.depth=18 --draw residual.svg"
      }
    ],
    look: [
      {
        address: "#/inside/residual?image=validation-0",
        words: "orange ways are shortcuts; they join at +."
      },
      {
        address: "#/inside/experts?image=validation-0",
        words: "pink ways come from gates, with each expert's share for this image."
      }
    ],
    answer: "It begins before a block's first convolution, and is added behind its last norm, before the last ReLU. Where the block halves the maps or widens the channels, shapes differ, and the shortcut needs a 1 × 1 convolution with stride 2 (depth 18), or drops every second pixel and adds channels of zeros (depth 20). A gate gives a share for each expert, adding to 1, for each image anew; the maps are added with these weights."
  },
  {
    name: "11-judging",
    title: "Is it good enough?",
    question: "Which classes are confused, how sure may you be of that, and what else than accuracy should be said?",
    code: [
      {
        language: "bash",
        text: "loupe evaluate first"
      }
    ],
    look: [
      {
        address: "#/run/first",
        words: "confusion with the images behind each cell, calibration, the most confident mistakes."
      },
      {
        address: "#/inside/first",
        words: "choose *mistakes* among the pictures."
      }
    ],
    answer: "Name the pairs that stand in the confusion matrix, and their counts: with a handful of mistakes a pair with one or two is chance. Beside accuracy stand precision, recall and F1 of each class, how well probabilities fit (calibration), robustness to noise, what the network costs (parameters, multiply-adds, time). To improve: more images, augmentation, depth or width, another optimizer or rate, each tried alone, on validation."
  },
  {
    name: "12-a-study",
    title: "A study",
    question: "Does a wider network help, *in general* and not only in these two runs?",
    code: [
      {
        language: "toml",
        text: "# width.toml\nquestion = \"Does twice the width help on a fifth of the digits?\"\nrecipe = \"digits\"\nseeds = [0, 1, 2]\nreference = \"narrow\"\n\n[set]\ndata.fraction = 0.2\ntrain.epochs = 20\ntrain.batch_size = 16\ntrain.clean_train_images = 0\nevaluate.look_inside = false\n\n[arms.narrow]\nmodel.width = 1\n\n[arms.wide]\nmodel.width = 2"
      },
      {
        language: "bash",
        text: "loupe study width.toml --dry-run\nloupe study width.toml\nloupe table studies/width"
      }
    ],
    look: [
      {
        address: "#/studies",
        words: "the study, while its runs go on."
      },
      {
        address: "#/study/width",
        words: "the answer in one sentence, arms with intervals, differences."
      }
    ],
    answer: "Read the sentence, not the larger number. Three seeds an arm can find large differences only: *cannot tell* is a likely answer, and not the same as *no difference*. The dry run says beforehand how large a difference so many seeds can find. Everything but the width is the same in both arms; if two things changed at once, no sentence could follow."
  }
];
