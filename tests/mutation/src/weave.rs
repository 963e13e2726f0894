//! Finds where the mutants of a file are, and what stands there instead.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::listed::{Genre, Mutant};
use crate::woven::{ARM, Edit, Piece};

/// The mutants of one file that are to be woven in, by genre and start. Those of one place have several replacements.
pub struct Weaver<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    wanted: HashMap<(usize, usize), Vec<(usize, &'a Mutant)>>,
    edits: Vec<Edit>,
}

/// The edits for these mutants (by their numbers) of a file.
pub fn edits(text: &str, mutants: &[(usize, &Mutant)]) -> Result<Vec<Edit>, String> {
    let file = syn::parse_file(text).map_err(|error| error.to_string())?;
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(place, _)| place + 1)).collect();
    let mut wanted: HashMap<_, Vec<_>> = HashMap::new();
    for &(number, mutant) in mutants {
        wanted.entry(mutant.start).or_default().push((number, mutant));
    }
    let mut weaver = Weaver { text, lines, wanted, edits: Vec::new() };
    weaver.visit_file(&file);
    Ok(weaver.edits)
}

/// A switch's question.
fn is(mutant: usize) -> String {
    format!("crate::mutant::is({mutant})")
}

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

impl Weaver<'_> {
    fn place(&self, at: LineColumn) -> usize {
        let line = self.lines[at.line - 1];
        self.text[line..].char_indices().nth(at.column).map_or(self.text.len(), |(bytes, _)| line + bytes)
    }

    fn range(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        self.place(span.start())..self.place(span.end())
    }

    /// The mutants of this genre that begin where this does: number and replacement.
    fn mutants(&self, genre: Genre, node: &impl Spanned) -> Vec<(usize, String)> {
        let start = node.span().start();
        let here = self.wanted.get(&(start.line, start.column + 1));
        let here = here.into_iter().flatten().filter(|(_, mutant)| mutant.genre == genre);
        here.map(|(number, mutant)| (*number, mutant.replacement.clone())).collect()
    }

    fn edit(&mut self, range: Range<usize>, mutants: &[(usize, String)], pieces: Vec<Piece>) {
        let mutants = mutants.iter().map(|(number, _)| *number).collect();
        self.edits.push(Edit { range, mutants, pieces });
    }

    /// `if is(N) { return REPLACEMENT; }` before all that the function does.
    fn weave_body(&mut self, block: &syn::Block) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else { return };
        let mutants = self.mutants(Genre::FnValue, first);
        if mutants.is_empty() {
            return;
        }
        let range = self.range(first).start..self.range(last).end;
        let early = |(number, value): &(usize, String)| {
            Piece::Of(*number, format!("#[allow(clippy::all)] if {} {{ return {value}; }} ", is(*number)))
        };
        let pieces = mutants.iter().map(early).chain([Piece::Source(range.clone())]).collect();
        self.edit(range, &mutants, pieces);
    }

    /// A function of both operands, and one for each mutant. What assigns is given a place and a value.
    fn weave_two(&mut self, node: &syn::ExprBinary, mutants: &[(usize, String)]) {
        let operator = &self.text[self.range(&node.op)];
        let function = match mutants.len() {
            1 => "two",
            2 => "two_two",
            _ => "two_three",
        };
        let numbers: Vec<usize> = mutants.iter().map(|(number, _)| *number).collect();
        // What is compared stays where it is.
        let borrow = if is_comparison(&node.op) { "&" } else { "" };
        let mut pieces = vec![
            text(format!("crate::mutant::{function}({numbers:?}, {borrow}(")),
            Piece::Source(self.range(&node.left)),
            text(format!("), {borrow}(")),
            Piece::Source(self.range(&node.right)),
            text(format!("), |a, b| {{ a {operator} b }}")),
        ];
        pieces.extend(mutants.iter().map(|(number, other)| Piece::Of(*number, format!(", |a, b| {{ a {other} b }}"))));
        pieces.push(text(")"));
        self.edit(self.range(node), mutants, pieces);
    }

    /// `a && b` is `((a ^ s) && (b ^ s)) ^ s`, which is `a || b` where `s` is true; and the other way round.
    fn weave_lazy(&mut self, node: &syn::ExprBinary, mutants: &[(usize, String)]) {
        let operator = &self.text[self.range(&node.op)];
        let switch = is(mutants[0].0);
        let pieces = vec![
            text("(((("),
            Piece::Source(self.range(&node.left)),
            text(format!(") ^ {switch}) {operator} ((")),
            Piece::Source(self.range(&node.right)),
            text(format!(") ^ {switch})) ^ {switch})")),
        ];
        self.edit(self.range(node), mutants, pieces);
    }

    /// `a += b`: one of several assignments.
    fn weave_assignment(&mut self, node: &syn::ExprBinary, mutants: &[(usize, String)]) {
        let operator = self.text[self.range(&node.op)].to_owned();
        let (left, right) = (self.range(&node.left), self.range(&node.right));
        let assignment =
            |operator: &str| [Piece::Source(left.clone()), text(format!(" {operator} ")), Piece::Source(right.clone())];
        let mut pieces = vec![text("(")];
        for (number, other) in mutants {
            pieces.push(text(format!("if {} {{ ", is(*number))));
            pieces.extend(assignment(other));
            pieces.push(text(" } else "));
        }
        pieces.push(text("{ "));
        pieces.extend(assignment(&operator));
        pieces.push(text(" })"));
        self.edit(self.range(node), mutants, pieces);
    }

    fn weave_guard(&mut self, arm: &syn::Arm) {
        let gone = self.mutants(Genre::MatchArm, arm);
        let Some((_, guard)) = &arm.guard else {
            if let [(number, _)] = gone[..] {
                let end = self.range(&arm.pat).end;
                self.edit(end..end, &gone, vec![text(format!("{ARM}{}", is(number)))]);
            }
            return;
        };
        let others = self.mutants(Genre::MatchArmGuard, guard.as_ref());
        let all: Vec<_> = gone.iter().chain(&others).cloned().collect();
        if all.is_empty() || has_let(guard) {
            return;
        }
        let range = self.range(guard.as_ref());
        let mut pieces = vec![text("(("), Piece::Source(range.clone()), text(")")];
        pieces.extend(
            others.iter().filter(|(_, value)| value == "true").map(|(number, _)| text(format!(" || {}", is(*number)))),
        );
        pieces.push(text(")"));
        let never = gone.iter().chain(others.iter().filter(|(_, value)| value == "false"));
        pieces.extend(never.map(|(number, _)| text(format!(" && !{}", is(*number)))));
        self.edit(range, &all, pieces);
    }

    fn weave_field(&mut self, field: &syn::FieldValue, base: &syn::Expr) {
        let mutants = self.mutants(Genre::StructField, field);
        let [(number, _)] = mutants[..] else { return };
        let name = self.text[self.range(&field.member)].to_owned();
        let base = &self.text[self.range(base)];
        let pieces = vec![
            text(format!("{name}: if {} {{ ({base}).{name} }} else {{ ", is(number))),
            Piece::Source(self.range(&field.expr)),
            text(" }"),
        ];
        self.edit(self.range(field), &mutants, pieces);
    }
}

fn is_comparison(operator: &syn::BinOp) -> bool {
    use syn::BinOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(operator, Eq(_) | Ge(_) | Gt(_) | Le(_) | Lt(_) | Ne(_))
}

fn is_assignment(operator: &syn::BinOp) -> bool {
    use syn::BinOp as Op;
    matches!(
        operator,
        Op::AddAssign(_)
            | Op::SubAssign(_)
            | Op::MulAssign(_)
            | Op::DivAssign(_)
            | Op::RemAssign(_)
            | Op::BitXorAssign(_)
            | Op::BitAndAssign(_)
            | Op::BitOrAssign(_)
            | Op::ShlAssign(_)
            | Op::ShrAssign(_)
    )
}

/// Whether a chain of conditions has a `let`: it cannot stand within another expression.
fn has_let(node: &syn::Expr) -> bool {
    match node {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(node) => has_let(&node.left) || has_let(&node.right),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}

/// What the compiler computes has no switches: constants, `const fn`, the lengths of arrays.
impl<'ast> Visit<'ast> for Weaver<'_> {
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if !is_test(&node.attrs) {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if node.sig.constness.is_none() {
            self.weave_body(&node.block);
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        if node.sig.constness.is_none() {
            self.weave_body(&node.block);
            visit::visit_impl_item_fn(self, node);
        }
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.weave_body(block);
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let mutants = self.mutants(Genre::BinaryOperator, &node.op);
        match node.op {
            _ if mutants.is_empty() => {}
            syn::BinOp::And(_) | syn::BinOp::Or(_) if has_let(&node.left) || has_let(&node.right) => {}
            syn::BinOp::And(_) | syn::BinOp::Or(_) => self.weave_lazy(node, &mutants),
            _ if is_assignment(&node.op) => self.weave_assignment(node, &mutants),
            _ => self.weave_two(node, &mutants),
        }
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let mutants = self.mutants(Genre::UnaryOperator, &node.op);
        if let [(number, _)] = mutants[..] {
            let operator = &self.text[self.range(&node.op)];
            let pieces = vec![
                text(format!("crate::mutant::one({number}, (")),
                Piece::Source(self.range(&node.expr)),
                text(format!("), |a| {{ {operator}a }}, |a| {{ a }})")),
            ];
            self.edit(self.range(node), &mutants, pieces);
        }
        visit::visit_expr_unary(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        self.weave_guard(node);
        visit::visit_arm(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        if let Some(base) = &node.rest {
            node.fields.iter().for_each(|field| self.weave_field(field, base));
        }
        visit::visit_expr_struct(self, node);
    }
}
