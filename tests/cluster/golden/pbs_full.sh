#!/bin/bash
#PBS -N duel
#PBS -S /bin/bash
#PBS -r y
#PBS -j oe
#PBS -o /dev/null
#PBS -J 1-40%5
#PBS -q gpu
#PBS -A chem
#PBS -l walltime=36:30:05
#PBS -l select=1:ncpus=4:mem=16384mb:ngpus=2
#PBS -m n

exec >>/scratch/duel/logs/"${PBS_JOBID}.log" 2>&1
export QVAR_STOP_AT=$(( $(date +%s) + 131285 ))
module load cuda
export PATH=/opt/qvar/bin:"$PATH"
export OMP_NUM_THREADS=4
export QVAR_QUEUE=pbs
cd "${PBS_O_WORKDIR:?}" || exit 1
exec qvar worker /scratch/duel --index "$((1000 + ${PBS_ARRAY_INDEX:?}))"
