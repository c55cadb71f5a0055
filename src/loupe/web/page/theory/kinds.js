// Which lesson tells what a layer does.
const KINDS = [
  [/Conv(?!Transpose)/, "convolution"],
  [/Pool|Flatten/, "pooling"],
  [/ReLU|GELU|SiLU/, "relu"],
  [/BatchNorm|ShiftNorm/, "batch-norm"],
  [/Dropout/, "dropout"],
  [/Softmax/, "softmax"],
];

/** Return the name of the lesson on a layer's kind; undefined if there is none. */
export function findLesson(layer) {
  if (layer.unit_names.length) return "softmax"; // the logits: what comes of them
  return KINDS.find(([kind]) => kind.test(layer.kind))?.[1];
}
