"""The models of the zoo: one module a family, each with one function `build(spec, **options) -> keras.Model`.

The options are the keys of the model's file in conf/model/. `spec` says what the data is (zoo.data.Spec). The
model is built, its layers are named, and it puts out what the file's `output` says: logits, probabilities or values.
Initial weights are not a builder's business: zoo.optim.initializers draws them afterwards.
"""
