#!/usr/bin/perl

# proxyctl's word tables: what is made of them for people (help, errors) and for
# shells, whose completion is sourced and asked.

use strict;
use warnings;
use Ctl;
use Test::More;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;
my $ctl = Ctl->new;

# Every word of the help: its path, and its options.
my %paths = map { $_ => 1 } $ctl->does('completion', 'completion', 'bash') =~
    /^\t'([^']+)'\)$/mg;
my %word;
my $help = $ctl->does('help', 'help');
for (grep { /^[a-z]/ } split /\n/, $help =~ s/.*\n\n//sr) {
	my ($path) = grep { defined } map { /^(\S+ \S+)/ && $paths{$1} ? $1 :
	    /^(\S+)/ && $paths{$1} ? $1 : undef } $_;
	$word{$path // $_} = [ /(--[a-z0-9-]+)/g ];
}
cmp_ok(scalar keys %word, '>', 10, 'words are found');
is_deeply([ sort keys %word ], [ sort keys %paths ],
    'help and completion know the same words');

subtest 'errors' => sub {
	$ctl->refused(qr/unknown command 'statsu', did you mean 'stat/, 'a slip',
	    'statsu');
	$ctl->refused(qr/^proxyctl: convert: given twice: '--to'/,
	    'an option twice', qw(convert --to gemini --to gemini));
	$ctl->refused(qr/a value is missing for '--from'/,
	    'an option for a value', qw(convert --from --to gemini));
	$ctl->refused(qr/operand 'zhs': expected bash\|zsh; did you mean 'zsh'/,
	    'an operand that is none', qw(completion zhs));
	$ctl->refused(qr/--names 'modle': expected .* did you mean 'model'/,
	    'a value that is none', qw(completion --names modle));
	$ctl->refused(qr/for which shell\? bash or zsh/, 'no shell',
	    'completion');
	$ctl->refused(qr/unexpected 'b'/, 'an operand too many',
	    qw(completion bash b));
	$ctl->refused(qr/there is no database '\S+proxyd\.db' yet/,
	    'no database', qw(completion --names model));
	ok(!-e $ctl->home, 'nothing was made');
};

# Each word says its own usage, of the same options.
for my $path (sort keys %word) {
	my ($r, $out) = $ctl->run(split(/ /, $path), '--help');
	is($r, 0, "$path --help");
	my ($line) = $out =~ /^usage: proxyctl (.*)$/m;
	is_deeply([ ($line // '') =~ /(--[a-z0-9-]+)/g ], $word{$path},
	    "$path --help: options");
}

# What bash offers for a line, the cursor at its end.
my $bash = $ctl->spew('bash', $ctl->does('completion bash', 'completion',
    'bash'));
my $shell = $ctl->spew('ask.bash', <<'EOS');
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
# As readline does: cut at spaces, and at = and :.
COMP_WORDS=()
rest=$COMP_LINE
while [[ $rest =~ ^([[:space:]]*)(=|:|[^[:space:]=:]+)(.*)$ ]]; do
	COMP_WORDS+=("${BASH_REMATCH[2]}")
	rest=${BASH_REMATCH[3]}
done
[[ $COMP_LINE == *[[:space:]] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_proxyctl
printf '%s\n' "${COMPREPLY[@]}"
EOS

sub bash_offers {
	my ($line) = @_;
	local $ENV{PATH} = ctl_program() =~ s{/[^/]+$}{}r . ":$ENV{PATH}";
	open my $p, '-|', 'bash', '--norc', $shell, $bash, $line or die;
	chomp(my @got = grep { /\S/ } <$p>);
	close $p;
	return join ' ', @got;
}

SKIP: {
	skip 'no bash here', 1 if system('bash -c : 2>/dev/null');
	is(bash_offers('proxyctl conv'), 'convert', 'a command');
	is(bash_offers('proxyctl --home /x up'), 'upgrade',
	    'behind an option with a value');
	is(bash_offers('proxyctl --home=/x up'), 'upgrade', '... joined');
	is(bash_offers('proxyctl convert --fr'), '--from', 'an option');
	is(bash_offers('proxyctl convert --from openai-'),
	    'openai-chat openai-responses', 'values of a kind');
	is(bash_offers('proxyctl convert --from=gem'), 'gemini', '... joined');
	is(bash_offers('proxyctl convert --from gemini --to ant'),
	    'anthropic', 'the next one');
	is(bash_offers('proxyctl completion '), 'bash zsh', 'an operand');
	is(bash_offers('proxyctl completion --names us'), 'user', 'one of');
	is(bash_offers('proxyctl check --config ' . $ctl->dir . '/ask'),
	    $ctl->dir . '/ask.bash', 'a file');
	for my $path (sort keys %word) {
		my %got = map { $_ => 1 } split / /,
		    bash_offers("proxyctl $path -");
		is_deeply([ grep { !$got{$_} } @{ $word{$path} } ], [],
		    "options of $path");
		my ($first, $last) = $path =~ /^(.*?) ?([^ ]+)$/;
		like(' ' . bash_offers("proxyctl $first " x !!$first .
		    'proxyctl ' x !$first . $last) . ' ', qr/ \Q$last\E /,
		    "$path itself");
	}
}

my $zsh = $ctl->spew('_proxyctl', $ctl->does('completion zsh', 'completion',
    'zsh'));
like(Ctl::slurp($zsh), qr/\A#compdef proxyctl\n/, 'zsh finds it by itself');

# zsh completes in a terminal only: the functions below _proxyctl are asked.
SKIP: {
	skip 'no zsh here', 3 if system('zsh -fc : 2>/dev/null');
	my $ask = $ctl->spew('ask.zsh', <<'EOS');
compdef() { : }
compadd() { shift; print -l -- "$@" }
_files() { print -l files "$@" }
source "$1"
shift
words=("$@")
CURRENT=${#words}
_proxyctl
EOS
	for ([ 'convert', 'conv' ], [ 'openai-chat', qw(convert --from o) ],
	    [ 'files', qw(check --config x) ], [ 'bash', 'completion', '' ]) {
		my ($want, @line) = @$_;
		open my $p, '-|', 'zsh', '-f', $ask, $zsh, ctl_program, @line
		    or die;
		chomp(my @got = <$p>);
		close $p;
		ok(scalar(grep { $_ eq $want } @got), "zsh: $want") or
		    diag "@line: @got";
	}
}

done_testing;
