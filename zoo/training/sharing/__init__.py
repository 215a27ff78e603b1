"""Training on several devices or in several processes, through tf.distribute: the same steps, shared out.

`workers` meets the other processes, `parts` cuts the batches, `strategies` starts TensorFlow's part, `sharing` adds up
what comes of the parts, and `step` is the step that is made of it.
"""
