#pragma once

#include "engine/cells/recurrent_layer.hpp"
#include "engine/execute/delta/emission_adjoints.hpp"
#include "engine/execute/delta/rounding_table.hpp"
#include "engine/execute/delta/row_products.hpp"
#include "engine/kernels/products/delta_product.hpp"

namespace heft {

/// How differences are carried through a model.
struct DeltaForm {
  ProductForm products = ProductForm::floats;  ///< where others than float32 pay
  /// All rows of a call at once, as CUDA devices want it, instead of blocks of rows that differ from the baseline already.
  bool all_rows = false;
  /// What rounding takes from the outputs is given back to them, as far as it is known.
  bool corrects = false;
};

/// What one layer in one direction did in the unchanged model: all that differences need to be carried through it. Tensors are
/// float32, steps in the order in which the layer reads them; they lie on the CPU, or with `products` on the model's device.
struct CellBaseline {
  CellKind kind = CellKind::lstm;
  int64_t steps = 0, rows = 0;  ///< rows: samples of the call
  int64_t inputs = 0, hidden = 0, emitted = 0;

  at::Tensor points;  ///< [steps, rows, pointSize(kind), hidden]
  at::Tensor read;    ///< [steps, rows, inputs]
  at::Tensor before;  ///< [steps, rows, emitted]: what recurrent weights read
  at::Tensor raw;     ///< [steps, rows, hidden]: what a projection reads; undefined without one
  at::Tensor active;  ///< uint8 [steps, rows]: 0 where a packed sequence has no such step; undefined: everywhere

  RowProducts products;    ///< for all rows at once; what follows is undefined then
  RoundingTable rounding;  ///< of those products, where they round and what that does is known

  DeltaProduct recurrent;   ///< [emitted, gates x hidden]
  DeltaProduct input;       ///< [inputs, gates x hidden]; of a GRU [inputs, 2 x hidden]: reset and update
  DeltaProduct input_new;   ///< of a GRU [inputs, hidden]: the new gate's input side, which stays apart
  DeltaProduct projection;  ///< [hidden, emitted]; undefined without one
  RoundingTable recurrent_rounding, input_rounding;  ///< of those two, likewise
};

/// Records a layer's run (the hook of a runLayer whose rows are samples) into `baseline`.
std::unique_ptr<LayerHook> recordBaseline(CellBaseline& baseline, CellKind kind, const CellWeights& weights,
                                          const DeltaForm& form);

/// Fills the tables of what rounding does to the outputs, of products that round.
void knowRounding(CellBaseline& baseline, const CellWeights& weights, const EmissionAdjoints& adjoints);

}  // namespace heft
