package Report;

# Figures of one run: medians and spreads, ratios round by round, as a table and
# as JSON.

use strict;
use warnings;
use File::Path qw(make_path);
use JSON::PP;
use Rig;

sub new {
	my ($class, %o) = @_;
	return bless { name => $o{name}, rough => $o{rough}, figures => [],
	    machine => Rig::machine() }, $class;
}

sub median {
	my @v = sort { $a <=> $b } @_;

	return unless @v;
	return @v % 2 ? $v[$#v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

sub _summary {
	my @v = sort { $a <=> $b } @_;

	return { median => median(@v), min => $v[0], max => $v[-1],
	    rounds => [ @_ ] };
}

# One figure: cell, what, unit, at_most (of the ratio, or of the value itself
# where there is nothing to compare with), and a list of values, one a round,
# for each of proxyd, nginx, nginx_log, direct.  Ratios are those of a round.
sub add {
	my ($self, %f) = @_;
	my %values = %{ delete $f{values} };
	my $ours = $values{proxyd};

	$f{$_} = _summary(@{ $values{$_} }) for keys %values;
	for my $to (qw(nginx nginx_log)) {
		my $v = $values{$to} or next;
		my @r = map { $v->[$_] > 0 ? $ours->[$_] / $v->[$_] : () }
		    0 .. $#$ours;
		$f{"ratio_$to"} = _summary(@r) if @r;
	}
	push @{ $self->{figures} }, \%f;
	$self->_line(\%f);
}

sub _n {
	my ($v) = @_;

	return '-' unless defined $v;
	return sprintf '%.0f', $v if abs $v >= 1000;
	return sprintf abs $v >= 100 ? '%.1f' : '%.2f', $v;
}

sub _ratio {
	my ($r) = @_;

	return '-' unless $r;
	return sprintf '%.2f (%.2f-%.2f)', @$r{qw(median min max)};
}

my $row = "| %-39s | %-8s | %8s | %8s | %8s | %-18s | %-18s | %7s |\n";

sub head {
	my ($self) = @_;
	my $m = $self->{machine};

	print "$_: $m->{$_}\n" for qw(commit date cpu cores kernel load_before
	    nginx wrk libmicrohttpd libcurl cc);
	print "\n";
	printf $row, 'cell', 'unit', 'proxyd', 'nginx', 'with log',
	    'ratio (spread)', 'to nginx with log', 'at most';
	print '| ', join(' | ', ('---') x 8), " |\n";
}

sub _line {
	my ($self, $f) = @_;

	printf $row, "$f->{cell}: $f->{what}", $f->{unit},
	    (map { _n($f->{$_} && $f->{$_}{median}) }
	    qw(proxyd nginx nginx_log)), _ratio($f->{ratio_nginx}),
	    _ratio($f->{ratio_nginx_log}), $f->{at_most} // '';
}

sub save {
	my ($self) = @_;
	my $file = "build/bench/$self->{name}.json";

	make_path('build/bench');
	Rig::spew($file, JSON::PP->new->utf8->canonical->pretty->encode({
	    machine => $self->{machine}, figures => $self->{figures} }));
	print "\n$file\n";
}

1;
