// Package contracts holds everything that can be said about an answer without a
// database: the tabular frame and its metadata, the formats that it is written in,
// and the one error type that clients get to see.
//
// The frame's JSON form is core.tabular_frame@v1 of the Command Center SDK to the
// letter. Our additions live where that contract leaves room: in meta and in
// source.context. Optional members are absent, never null; columns and rows are
// arrays even when empty.
package contracts
