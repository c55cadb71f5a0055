"""Pixel operations on batches of images, each image with its own strength.

What the literature on augmentation calls brightness, posterize or shear is what Pillow does: AutoAugment and
its successors were found with it. So the operations here give Pillow's own values, level by level, but
for a whole batch and on the device the images lie on. Operations on values work on uint8 levels, 0 to 255;
geometry also works on float32.
"""
